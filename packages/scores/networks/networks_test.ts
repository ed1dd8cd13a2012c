import { assertEquals, assertThrows } from "@std/assert";
import { flattenParams } from "@dipp/nn";
import { fold, init, key, randn, type Tensor, tensor, treeLeaves, treeMap } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import { type Cond, DiTTransformer2DModel, PixArtTransformer2DModel, UNet2DConditionModel } from "../mod.ts";

await init();

const UNET = {
  block_out_channels: [8, 16],
  down_block_types: ["CrossAttnDownBlock2D", "DownBlock2D"],
  up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D"],
  layers_per_block: 1,
  norm_num_groups: 4,
  attention_head_dim: 2,
  cross_attention_dim: 12,
};
const PIXART = {
  num_attention_heads: 2,
  attention_head_dim: 8,
  num_layers: 1,
  in_channels: 3,
  out_channels: 3,
  sample_size: 8,
  patch_size: 4,
  caption_channels: 12,
};

const DIT = {
  num_attention_heads: 2,
  attention_head_dim: 8,
  num_layers: 2,
  in_channels: 3,
  sample_size: 8,
  patch_size: 4,
  num_embeds_ada_norm: 5,
};

for (
  const network of [
    new DiTTransformer2DModel(DIT),
    new UNet2DConditionModel({ ...UNET, in_channels: 3, out_channels: 3 }),
    new UNet2DConditionModel({ ...UNET, in_channels: 3, out_channels: 3, use_linear_projection: true }),
    new PixArtTransformer2DModel(PIXART),
  ]
) {
  const name = network.constructor.name;
  Deno.test(`${name} starts at zero output with finite parameters`, async () => {
    const params = network.init(key(3));
    const out = network.forward(params as never, randn(key(1), [2, 3, 8, 8]), randn(key(2), [2]), {
      embeds: randn(key(4), [2, 5, 12]),
      classLabels: tensor(new Int32Array([4, 5])),
    });
    assertEquals(out.shape, [2, 3, 8, 8]);
    assertEquals((await out.data()).every((x) => x === 0), true);
    for (const leaf of treeLeaves<Tensor>(params)) {
      assertEquals((await leaf.data()).every(Number.isFinite), true);
    }
  });

  Deno.test(`${name} says what condition it needs`, () => {
    const params = network.init(key(3));
    assertThrows(
      () => network.forward(params as never, randn(key(1), [2, 3, 8, 8]), randn(key(2), [2]), {}),
      TypeError,
      network instanceof DiTTransformer2DModel ? "classLabels" : "embeds",
    );
  });
}

Deno.test("the SD 1.5 configuration gives 686 tensors and 859,520,964 parameters", () => {
  const params = new UNet2DConditionModel({
    _class_name: "UNet2DConditionModel",
    act_fn: "silu",
    attention_head_dim: 8,
    block_out_channels: [320, 640, 1280, 1280],
    center_input_sample: false,
    cross_attention_dim: 768,
    down_block_types: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    downsample_padding: 1,
    flip_sin_to_cos: true,
    freq_shift: 0,
    in_channels: 4,
    layers_per_block: 2,
    mid_block_scale_factor: 1,
    norm_eps: 1e-5,
    norm_num_groups: 32,
    out_channels: 4,
    sample_size: 64,
    up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
  }).init(key(0));
  const leaves = treeLeaves<Tensor>(params);
  assertEquals([leaves.length, leaves.reduce((n, x) => n + x.size, 0)], [686, 859_520_964]);
});

Deno.test("the PixArt-alpha configurations give the released tensors and parameters", () => {
  const count = (sample_size: number) => {
    const config = { sample_size, caption_channels: 4096, cross_attention_dim: 1152 };
    const leaves = treeLeaves<Tensor>(new PixArtTransformer2DModel(config).init(key(0)));
    return [leaves.length, leaves.reduce((n, x) => n + x.size, 0)];
  };
  assertEquals(count(64), [603, 610_856_096]);
  assertEquals(count(128), [611, 611_349_152]);
});

Deno.test("linear and convolutional projections are the same map", async () => {
  const conv = new UNet2DConditionModel(UNET);
  const linear = new UNet2DConditionModel({ ...UNET, use_linear_projection: true });
  // Random where init() puts zeros, so that every branch shows
  let count = 0;
  const params = treeMap<Tensor, Tensor>(
    conv.init(key(0)),
    (leaf) => randn(fold(key(1), count++), leaf.shape).mul(0.2),
  ) as ReturnType<typeof conv.init>;
  const shapes = flattenParams(linear.init(key(0)));
  const asLinear = (block: typeof params.mid_block) => ({
    ...block,
    attentions: block.attentions.map((a) => ({
      ...a,
      proj_in: { ...a.proj_in, weight: a.proj_in.weight.reshape(a.proj_in.weight.shape.slice(0, 2)) },
      proj_out: { ...a.proj_out, weight: a.proj_out.weight.reshape(a.proj_out.weight.shape.slice(0, 2)) },
    })) as typeof block.attentions,
  });
  const mid_block = asLinear(params.mid_block);
  assertEquals(
    mid_block.attentions[0].proj_in.weight.shape,
    shapes.get("mid_block.attentions.0.proj_in.weight")!.shape,
  );
  const inputs = {
    sample: randn(key(2), [2, 4, 6, 5]),
    timestep: 321,
    encoderHiddenStates: randn(key(3), [2, 7, 12]),
  };
  const [expected, actual] = await Promise.all([
    conv.apply(params, inputs).data(),
    linear.apply({ ...params, mid_block }, inputs).data(),
  ]);
  assertClose(actual, expected, 1e-5, "the output");
});

Deno.test("wrong configurations are refused with path, value and expectation", () => {
  const unet = (config: object) => () => new UNet2DConditionModel({ ...UNET, ...config });
  assertThrows(unet({ layers_per_block: 0 }), TypeError, "layers_per_block is 0");
  assertThrows(unet({ up_block_types: ["UpBlock2D"] }), TypeError, "expected 2 entries");
  assertThrows(unet({ norm_num_groups: 3 }), TypeError, "multiples of norm_num_groups = 3");
  assertThrows(unet({ attention_head_dim: 3 }), TypeError, "divisor of width 8");
  assertThrows(unet({ act_fn: "gelu" }), TypeError, 'act_fn is "gelu"');
  assertThrows(unet({ class_embed_type: "timestep" }), TypeError, "class_embed_type");
  assertThrows(unet({ width: 8 }), TypeError, "width");
  assertThrows(unet({ _class_name: "UNet3DConditionModel" }), TypeError, '_class_name is "UNet3DConditionModel"');
  assertThrows(unet({ addition_embed_type: "text" }), TypeError, 'addition_embed_type is "text"');
  assertThrows(unet({ addition_embed_type: "text_time" }), TypeError, "addition_time_embed_dim");
  assertThrows(unet({ addition_time_embed_dim: 8 }), TypeError, "only with it");
  const pixart = (config: object) => () => new PixArtTransformer2DModel({ ...PIXART, ...config });
  assertEquals(pixart({ _class_name: "Transformer2DModel", _diffusers_version: "0.22.0.dev0" })().config.num_layers, 1);
  assertThrows(pixart({ caption_channels: undefined }), TypeError, "caption_channels");
  assertThrows(pixart({ cross_attention_dim: 15 }), TypeError, "= 16");
  assertThrows(pixart({ attention_head_dim: 3 }), TypeError, "divisible by 4");
  assertThrows(pixart({ use_additional_conditions: true }), TypeError, "divisible by 3");
  assertThrows(pixart({ num_layers: "two" }), TypeError, 'num_layers is "two"');
  const dit = (config: object) => () => new DiTTransformer2DModel({ ...DIT, ...config });
  assertThrows(dit({ norm_type: "ada_norm_single" }), TypeError, 'norm_type is "ada_norm_single"');
  assertThrows(dit({ attention_head_dim: 3 }), TypeError, "divisible by 4");
  assertThrows(dit({ caption_channels: 3 }), TypeError, "caption_channels");
});

Deno.test("the DiT-XL/2 configuration has embedders in every block, as diffusers' has", () => {
  const params = new DiTTransformer2DModel({ out_channels: 8 }).init(key(0));
  const count = (tree: Parameters<typeof treeLeaves<Tensor>>[0]) =>
    treeLeaves<Tensor>(tree).reduce((n, x) => n + x.size, 0);
  const [width, blocks] = [1152, 28];
  const embedders = 257 * width + width * (width + 1) + 1001 * width;
  const modulation = 6 * width * (width + 1);
  const layers = 4 * width * (width + 1) + 4 * width * (width + 1) + width * (4 * width + 1);
  const ends = 17 * width + 2 * width * (width + 1) + 32 * (width + 1);
  assertEquals(count(params), blocks * (embedders + modulation + layers) + ends);
});

Deno.test("an SDXL UNet says what added conditions it needs", () => {
  const unet = new UNet2DConditionModel({
    ...UNET,
    addition_embed_type: "text_time",
    addition_time_embed_dim: 4,
    projection_class_embeddings_input_dim: 34,
  });
  const params = unet.init(key(0));
  const run = (cond: Cond) => () =>
    unet.forward(params, randn(key(1), [2, 4, 8, 8]), randn(key(2), [2]), {
      embeds: randn(key(3), [2, 3, 12]),
      ...cond,
    });
  assertThrows(run({}), TypeError, "needs the added conditions textEmbeds and timeIds");
  const added = (dim: number) => ({ textEmbeds: randn(key(4), [2, dim]), timeIds: randn(key(5), [2, 6]) });
  assertThrows(run(added(9)), TypeError, "give 33 features, expected projection_class_embeddings_input_dim = 34");
  assertEquals(run(added(10))().shape, [2, 4, 8, 8]);
});

Deno.test("wrong inputs are refused", () => {
  const dit = new PixArtTransformer2DModel(PIXART);
  const params = dit.init(key(0));
  const encoderHiddenStates = randn(key(1), [1, 2, 12]);
  assertThrows(
    () => dit.apply(params, { sample: randn(key(1), [1, 3, 6, 8]), timestep: 1, encoderHiddenStates }),
    RangeError,
    "multiples of the patch 4",
  );
  assertThrows(
    () =>
      dit.apply(params, {
        sample: randn(key(1), [1, 3, 8, 8]),
        timestep: randn(key(1), [3]),
        encoderHiddenStates,
      }),
    RangeError,
    "[1], got [3]",
  );
  const classes = new DiTTransformer2DModel(DIT);
  const run = (classLabels: Tensor) => () =>
    classes.apply(classes.init(key(0)), { sample: randn(key(1), [2, 3, 8, 8]), timestep: 1, classLabels });
  assertThrows(run(tensor(new Int32Array([1]))), TypeError, "integers [2], got i32 [1]");
  assertThrows(run(randn(key(1), [2])), TypeError, "integers [2], got f32 [2]");
});
