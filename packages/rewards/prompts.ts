import type { Prompts } from "./reward.ts";

/**
 * One string a prompt, equal exactly where the prompts are: the text where there is one, else the token ids without
 * their padding. Reads the ids back from the device in the second case, so it has no place in a training step.
 *
 * @param prompts the prompts of a batch
 * @returns B keys
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { promptKeys } from "@dipp/rewards";
 * import { tensor } from "@dipp/tensor";
 *
 * const ids = tensor([[4, 2, 0], [7, 0, 0]], [2, 3], "i32");
 * assertEquals(await promptKeys({ ids }), ["4 2", "7"]);
 * ```
 */
export async function promptKeys(prompts: Prompts): Promise<string[]> {
  const [batch, length] = prompts.ids.shape;
  if (prompts.texts) {
    if (prompts.texts.length !== batch) {
      throw new RangeError(
        `Prompts hold ${prompts.texts.length} texts for ${batch} rows of ids`,
      );
    }
    return [...prompts.texts];
  }
  const ids = await prompts.ids.data();
  return Array.from({ length: batch }, (_, row) => {
    const own = Array.from(ids.subarray(row * length, (row + 1) * length));
    while (own.at(-1) === 0) own.pop();
    return own.join(" ");
  });
}
