import { assertEquals, assertRejects } from "@std/assert";
import { fold, init, key, randn, type Tensor, treeLeaves, treeMap } from "@dipp/tensor";
import * as conv2d from "./conv2d.ts";
import * as linear from "./linear.ts";
import { initLora } from "./lora.ts";
import { loadLora, saveLora } from "./lora_files.ts";
import type { Params } from "./params.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

await init();

const base = {
  attn1: { to_q: linear.init(key(0), 6, 4), to_out: [linear.init(key(1), 4, 6)] },
  conv: conv2d.init(key(2), 2, 3, 3),
};
const config = { rank: 2, alpha: 1, targets: ["to_q", "to_out.0", "conv"] };
let n = 0;
const lora = treeMap<Tensor, Tensor>(
  initLora(key(3), base, config),
  ({ shape }) => randn(fold(key(4), n++), shape),
) as Params;

/** A directory with factors, its configuration changed. */
async function saved(change: Record<string, unknown> = {}): Promise<string> {
  const directory = await Deno.makeTempDir();
  await saveLora(directory, lora, config);
  const path = `${directory}/adapter_config.json`;
  await Deno.writeTextFile(path, JSON.stringify({ ...JSON.parse(await Deno.readTextFile(path)), ...change }));
  return directory;
}

Deno.test("saved factors have peft's names, and come back bit for bit", async () => {
  const directory = await saved();
  const { tensors } = await readSafetensors(`${directory}/adapter_model.safetensors`);
  assertEquals([...tensors].map(([name, { shape }]) => `${name} [${shape}]`).toSorted(), [
    "base_model.model.attn1.to_out.0.lora_A.weight [2,4]",
    "base_model.model.attn1.to_out.0.lora_B.weight [6,2]",
    "base_model.model.attn1.to_q.lora_A.weight [2,6]",
    "base_model.model.attn1.to_q.lora_B.weight [4,2]",
    "base_model.model.conv.lora_A.weight [2,2,3,3]",
    "base_model.model.conv.lora_B.weight [3,2,1,1]",
  ]);
  const loaded = await loadLora(directory, base);
  assertEquals(loaded.config, config);
  const values = (tree: Params) => Promise.all(treeLeaves<Tensor>(tree).map((t) => t.data()));
  assertEquals(await values(loaded.lora), await values(lora));

  // As diffusers stores the factors of a pipeline's network
  const renamed = new Map([...tensors].map(([name, entry]) => [name.replace("base_model.model.", "unet."), entry]));
  await writeSafetensors(`${directory}/adapter_model.safetensors`, renamed);
  assertEquals(await values((await loadLora(directory, base)).lora), await values(lora));
  await Deno.remove(directory, { recursive: true });
});

Deno.test("factors that do not fit are refused by name", async () => {
  const directory = await saved();
  const { attn1 } = base;
  await assertRejects(() => loadLora(directory, { attn1 }), RangeError, "2 unexpected (conv.lora_");
  const other = { ...base, conv: conv2d.init(key(2), 2, 5, 3) };
  await assertRejects(() => loadLora(directory, other), RangeError, "conv.lora_B.weight is [3, 2, 1, 1], expected [5");
  await assertRejects(() => saveLora(directory, lora, { ...config, rank: 3 }), RangeError, "not of rank 3");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("settings of peft that change the result are refused", async () => {
  for (
    const [change, message] of [
      [{ peft_type: "LOHA" }, 'peft_type is "LOHA"'],
      [{ use_dora: true }, "use_dora is true: expected no magnitudes"],
      [{ use_rslora: true }, "use_rslora is true: expected no other scale"],
      [{ bias: "all" }, 'bias is "all": expected no biases'],
      [{ rank_pattern: { to_q: 3 } }, 'rank_pattern is {"to_q":3}: expected no other ranks'],
      [{ modules_to_save: ["conv_in"] }, "expected no other modules"],
      [{ r: 0 }, "r is 0"],
    ] as const
  ) {
    const directory = await saved(change);
    await assertRejects(() => loadLora(directory, base), TypeError, message);
    await Deno.remove(directory, { recursive: true });
  }
});
