const CURRENT: Readonly<Record<string, string>> = {
  query: "to_q",
  key: "to_k",
  value: "to_v",
  proj_attn: "to_out.0",
};

/**
 * Names tensors as {@linkcode AutoencoderKL} does. The files released with Stable Diffusion 1.x and 2.x call the layers
 * of the attentions query, key, value and proj_attn; other names stay as they are.
 *
 * @param tensors Tensors, or anything else, by name.
 * @returns The same by their present names.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { currentVaeNames } from "@dipp/scores";
 *
 * const names = currentVaeNames(new Map([["decoder.mid_block.attentions.0.proj_attn.bias", 1]]));
 * assertEquals([...names.keys()], ["decoder.mid_block.attentions.0.to_out.0.bias"]);
 * ```
 */
export function currentVaeNames<T>(tensors: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...tensors].map(([name, value]) => [
    name.replace(
      /^((?:en|de)coder\.mid_block\.attentions\.\d+\.)(query|key|value|proj_attn)(?=\.)/,
      (_, path: string, layer: string) => path + CURRENT[layer],
    ),
    value,
  ]));
}
