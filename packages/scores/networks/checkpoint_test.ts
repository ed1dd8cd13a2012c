import { assert, assertEquals } from "@std/assert";
import { initLora, type Params, realizeParams, withLora } from "@dipp/nn";
import {
  explain,
  fold,
  grad,
  init,
  key,
  randn,
  realize,
  type Tensor,
  tensor,
  treeEntries,
  treeLeaves,
  treeMap,
} from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import {
  AutoencoderKL,
  type Cond,
  DiTTransformer2DModel,
  type Network,
  PixArtTransformer2DModel,
  UNet2DConditionModel,
} from "../mod.ts";

await init();

const UNET = {
  in_channels: 3,
  out_channels: 3,
  block_out_channels: [8, 16],
  down_block_types: ["CrossAttnDownBlock2D", "DownBlock2D"],
  up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D"],
  layers_per_block: 1,
  norm_num_groups: 4,
  attention_head_dim: 2,
  cross_attention_dim: 12,
};
const TRANSFORMER = { num_attention_heads: 2, attention_head_dim: 8, in_channels: 3, out_channels: 3, patch_size: 2 };

/** What is planned at a larger size: the share of the intermediates that checkpointed blocks leave. */
interface Case {
  readonly network: Network;
  readonly side: number;
  readonly most: number;
}

const CASES: Readonly<Record<string, Case>> = {
  "a UNet": { network: new UNet2DConditionModel({ ...UNET, layers_per_block: 3 }), side: 16, most: 0.4 },
  "a UNet with deep attentions": {
    network: new UNet2DConditionModel({ ...UNET, transformer_layers_per_block: 4 }),
    side: 16,
    most: 0.4,
  },
  "PixArt": {
    network: new PixArtTransformer2DModel({ ...TRANSFORMER, num_layers: 10, sample_size: 8, caption_channels: 12 }),
    side: 16,
    most: 0.4,
  },
  "DiT": {
    network: new DiTTransformer2DModel({ ...TRANSFORMER, num_layers: 10, sample_size: 8, num_embeds_ada_norm: 5 }),
    side: 16,
    most: 0.4,
  },
};

/** Random parameters everywhere, so that every branch shows. */
function randomParams(params: Params): Promise<Params> {
  let n = 0;
  return realizeParams(treeMap<Tensor, Tensor>(params, (p) => randn(fold(key(1), n++), p.shape).mul(0.2)) as Params);
}

const labels = tensor(new Int32Array([4, 5]));
const someInputs = (side: number) => ({
  x: randn(key(2), [2, 3, side, side]),
  t: tensor([3, 700]),
  embeds: randn(key(3), [2, 5, 12]),
});

/** Gradients with respect to every parameter, the sample and the condition. */
function gradients(network: Network, params: Params, inputs: Record<string, Tensor>, checkpoint: boolean): Tensor[] {
  const { x, t, embeds } = inputs;
  const cond: Cond = { embeds, mask: tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]), classLabels: labels };
  const loss = network.forward(params, x, t, cond, { checkpoint }).sin().sum();
  return [loss, ...grad(loss, [...treeLeaves<Tensor>(params), x, embeds])];
}

/** Computes lists of tensors in one submission. */
async function values(lists: readonly Tensor[][]): Promise<ArrayLike<number>[][]> {
  await realize(...lists.flat());
  return await Promise.all(lists.map((list) => Promise.all(list.map((t) => t.data()))));
}

for (const [name, { network, side, most }] of Object.entries(CASES)) {
  Deno.test(`${name} with checkpointed blocks has the same output and the same gradients`, async () => {
    const params = await randomParams(network.init(key(0)));
    const [kept, again] = await values([false, true].map((c) => gradients(network, params, someInputs(8), c)));
    const names = ["the loss", ...treeEntries<Tensor>(params).map(([path]) => path), "the sample", "the condition"];
    names.forEach((what, i) => assertClose(again[i], kept[i], 1e-4, what));
  });

  Deno.test(`${name} with checkpointed blocks needs less memory, by the plan`, async () => {
    const params = await realizeParams(network.init(key(0)));
    const inputs = someInputs(side);
    const [kept, again] = [false, true].map((c) =>
      explain((inputs: Record<string, Tensor>) => gradients(network, params, inputs, c), inputs).memory
    );
    assert(again.least < most * kept.least, `${again.least} of ${kept.least} bytes`);
    assert(again.peak < kept.peak, `${again.peak} of ${kept.peak} bytes`);
  });
}

Deno.test("a decoder with checkpointed blocks needs less memory, by the plan", async () => {
  const vae = new AutoencoderKL({
    down_block_types: Array(4).fill("DownEncoderBlock2D"),
    up_block_types: Array(4).fill("UpDecoderBlock2D"),
    block_out_channels: [4, 8, 8, 8],
    layers_per_block: 2,
    norm_num_groups: 2,
  });
  const params = await realizeParams(vae.init(key(0)));
  const [kept, again] = [false, true].map((checkpoint) =>
    explain(
      ({ z }: { z: Tensor }) => grad(vae.decode(params, z, { checkpoint }).square().sum(), [z]),
      { z: randn(key(2), [1, 4, 8, 8]) },
    ).memory
  );
  assert(again.peak < 0.8 * kept.peak, `${again.peak} of ${kept.peak} bytes`);
});

Deno.test("factors in checkpointed blocks have the gradients of kept ones, and weights are not copied", async () => {
  const { network } = CASES["a UNet"];
  const base = await randomParams(network.init(key(0)));
  const config = { rank: 2, targets: ["to_q", "to_out.0", "proj_in", "conv1", "time_emb_proj", "linear_1"] };
  const lora = await randomParams(initLora(key(4), base, config));
  const step = (checkpoint: boolean) => ({ x, t, embeds }: Record<string, Tensor>) => {
    const loss = network.forward(withLora(base, lora, config), x, t, { embeds }, { checkpoint }).sin().sum();
    return grad(loss, treeLeaves<Tensor>(lora));
  };
  const inputs = someInputs(8);
  const [kept, again] = await values([false, true].map((c) => step(c)(inputs)));
  treeEntries<Tensor>(lora).forEach(([path], i) => assertClose(again[i], kept[i], 1e-4, path));
  const shapes = new Set(treeLeaves<Tensor>(base).filter((t) => t.ndim === 4).map((t) => t.shape.join()));
  const copies = explain(step(true), inputs).kernels.filter(({ output }) => shapes.has(output.shape.join()));
  assertEquals(copies.map((k) => k.label), []);
});
