import { assertEquals, assertThrows } from "@std/assert";
import { flattenParams, loadParams } from "@dipp/nn";
import { init, key, randn, realize, type Tensor, treeLeaves, vjp } from "@dipp/tensor";
import { PixArtTransformer2DModel, UNet2DConditionModel } from "../mod.ts";
import { assertGolden, type GoldenCase, goldenCase, goldenIds, load } from "../testing/golden.ts";

await init();

/** A golden case's inputs, by name. */
function inputsOf(golden: GoldenCase): Record<string, Tensor> {
  return Object.fromEntries([...golden.inputs].map(([name, entry]) => [name, load(entry)]));
}

/** Compares outputs, and gradients of sum(sample * cotangent), with the stored ones. */
async function check(
  golden: GoldenCase,
  outputs: Record<string, Tensor>,
  cotangent: Tensor,
  leaves: ReadonlyMap<string, Tensor>,
): Promise<void> {
  const names = [...golden.outputs.keys()].filter((name) => name.startsWith("grad."));
  const wrt = names.map((name) => leaves.get(name.slice("grad.".length))!);
  const grads = vjp([outputs.sample], [cotangent], wrt);
  const all = { ...outputs, ...Object.fromEntries(names.map((name, i) => [name, grads[i]])) };
  await realize(...Object.values(all));
  assertEquals(Object.keys(all).sort(), [...golden.outputs.keys()].sort());
  await assertGolden(golden, all);
}

for (const id of goldenIds("unet")) {
  Deno.test(`UNet2DConditionModel agrees with diffusers in ${id}`, async () => {
    const golden = goldenCase(id);
    const unet = new UNet2DConditionModel(golden.info.config);
    const params = loadParams(unet.init(key(0)), golden.weights);
    const inputs = inputsOf(golden);
    const run = (timestep: Tensor) =>
      unet.apply(params, {
        sample: inputs.sample,
        timestep,
        encoderHiddenStates: inputs.encoder_hidden_states,
        encoderAttentionMask: inputs.encoder_attention_mask,
      });
    await check(
      golden,
      { sample: run(inputs.timestep), sample_scalar_timestep: run(inputs.timestep_scalar) },
      inputs["cotangent.sample"],
      new Map([...flattenParams(params), ...Object.entries(inputs)]),
    );
  });
}

for (const id of goldenIds("dit", /^pixart/)) {
  Deno.test(`PixArtTransformer2DModel agrees with diffusers in ${id}`, async () => {
    const golden = goldenCase(id);
    const dit = new PixArtTransformer2DModel(golden.info.config);
    const params = loadParams(dit.init(key(0)), golden.weights);
    const inputs = inputsOf(golden);
    const { hidden_states, resolution, aspect_ratio } = inputs;
    const [batch, , height, width] = hidden_states.shape;
    const patch = dit.config.patch_size;
    const sample = dit.apply(params, {
      sample: hidden_states,
      timestep: inputs.timestep,
      encoderHiddenStates: inputs.encoder_hidden_states,
      encoderAttentionMask: inputs.encoder_attention_mask,
      addedCondKwargs: resolution && { resolution, aspectRatio: aspect_ratio },
    });
    const positions = dit.positions(height / patch, width / patch);
    await check(
      golden,
      { sample, pos_embed: positions.expand([batch, ...positions.shape.slice(1)]) },
      inputs["cotangent.sample"],
      new Map([...flattenParams(params), ...Object.entries(inputs)]),
    );
  });
}

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

for (
  const network of [
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
      "embeds",
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
  const golden = goldenCase("unet/two_level");
  const params = loadParams(conv.init(key(0)), golden.weights);
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
  const inputs = inputsOf(golden);
  const sample = linear.apply({ ...params, mid_block }, {
    sample: inputs.sample,
    timestep: inputs.timestep,
    encoderHiddenStates: inputs.encoder_hidden_states,
  });
  await assertGolden(golden, { sample });
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
  const pixart = (config: object) => () => new PixArtTransformer2DModel({ ...PIXART, ...config });
  assertThrows(pixart({ caption_channels: undefined }), TypeError, "caption_channels");
  assertThrows(pixart({ cross_attention_dim: 15 }), TypeError, "= 16");
  assertThrows(pixart({ attention_head_dim: 3 }), TypeError, "divisible by 4");
  assertThrows(pixart({ use_additional_conditions: true }), TypeError, "divisible by 3");
  assertThrows(pixart({ num_layers: "two" }), TypeError, 'num_layers is "two"');
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
});
