import { loadOnnx } from "@dipp/onnx";
import { type BradleyTerryInput, BradleyTerryReward, bradleyTerryReward, onnxReward } from "@dipp/rewards";
import { loadParams, readSafetensors } from "@dipp/nn";
import { grad, init, key, tensor, uniform } from "@dipp/tensor";
import { main } from "@dipp/train";
import { assert, assertEquals } from "@std/assert";
import { checkModel } from "./compare.ts";
import { isAvailable } from "./oracle.ts";
import { linesOf } from "./report.ts";

await init();

Deno.test("the preference reward of the emoji, as an ONNX file: onnxruntime-web agrees, and so do gradients", async () => {
  const checkpoint = new URL("../../examples/emoji/checkpoints/preference.safetensors", import.meta.url).pathname;
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/preference.onnx`;
    assertEquals(await main(["export", "--checkpoint", checkpoint, "--out", path]), 0);
    if (await isAvailable()) {
      const inputs = new Map([["images", { shape: [3, 3, 32, 32], range: [0, 1] as const }], ["ids", {
        shape: [3, 6],
        range: [0, 100] as const,
      }]]);
      const report = await checkModel(path, { inputs, bound: 1e-4 });
      assertEquals(report.firstDivergence, undefined, linesOf(report).join("\n"));
    }

    const { tensors, metadata } = await readSafetensors(checkpoint);
    const network = new BradleyTerryReward(JSON.parse(metadata["dipp.model"]).model as BradleyTerryInput);
    const native = bradleyTerryReward(network, loadParams(network.init(key(0)), tensors, { dtype: "f32" }));
    const imported = onnxReward(await loadOnnx(path), { prompt: { input: "ids" } });
    const images = await uniform(key(5), [4, 3, 32, 32]).realize();
    const prompts = { ids: tensor([[9, 4, 0], [70, 0, 0], [1, 0, 0], [5, 6, 7]], [4, 3], "i32") };
    const [a, b] = [native, imported].map((reward) => reward.score(images, prompts));
    const [scores, others] = [await a.data(), await b.data()];
    assert(scores.every((score, i) => Math.abs(score - others[i]) <= 1e-4), `${scores} and ${others}`);
    const [da, db] = [a, b].map((t) => grad(t.sum(), [images])[0]);
    const largest = await da.abs().max().item();
    assert(largest > 0.01, "the reward pulls at the pixels");
    assert(await da.sub(db).abs().max().item() <= 1e-4 * largest);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
