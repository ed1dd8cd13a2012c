import { assertEquals } from "@std/assert";
import { loadOnnx } from "@dipp/onnx";
import { BradleyTerryReward, bradleyTerryReward, onnxReward } from "@dipp/rewards";
import { grad, init, key, tensor, uniform } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import { bradleyTerryOnnx } from "./bradley_terry_onnx.ts";

await init();

for (
  const [what, config] of [
    ["blocks and wider text", {
      image: { channels: [8, 16], norm_groups: 4, blocks_per_stage: 2, features: 6 },
      text: { vocab_size: 12, embed_dim: 5, features: 9 },
      hidden: 7,
    }],
    ["no blocks and wider images", {
      image: { channels: [8], blocks_per_stage: 0, features: 9 },
      text: { vocab_size: 12, embed_dim: 5, features: 6 },
      hidden: 4,
    }],
  ] as const
) {
  Deno.test(`a preference reward of ${what} and its ONNX file give the same scores and gradients`, async () => {
    const network = new BradleyTerryReward(config);
    const params = network.init(key(1));
    const native = bradleyTerryReward(network, params);
    const model = await loadOnnx(await bradleyTerryOnnx(network.config, params));
    assertEquals(model.inputs.map(({ name }) => name), ["images", "ids"]);
    const imported = onnxReward(model, { input: "images", output: "score", prompt: { input: "ids" } });
    const prompts = { ids: tensor([[3, 4, 0], [11, 0, 0], [0, 0, 0]], [3, 3], "i32") };
    const images = await uniform(key(2), [3, 3, 9, 12]).realize();
    const [a, b] = [native, imported].map((reward) => reward.score(images, prompts));
    assertClose(await b.data(), await a.data(), 1e-5, "scores");
    const [da, db] = [a, b].map((scores) => grad(scores.sum(), [images])[0]);
    assertClose(await db.data(), await da.data(), 1e-4, "gradients of the pixels");
  });
}
