import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { flattenParams, memoryBytes, openSafetensors, serialiseSafetensors, writeSafetensors } from "@dipp/nn";
import { key, randn, type Tensor, treeMap } from "@dipp/tensor";
import { AutoencoderKL } from "../networks/autoencoder_kl.ts";
import { PixArtTransformer2DModel } from "../networks/pixart_transformer_2d.ts";
import { DiffusersDirectory } from "./directory.ts";
import { loadComponent } from "./load_component.ts";
import { diffusersPixArtNames } from "./original_pixart_names.ts";
import { saveDiffusers } from "./save_directory.ts";
import { parseScheduler } from "./scheduler.ts";

const VAE = { block_out_channels: [4], norm_num_groups: 2 };
const PIXART = {
  num_attention_heads: 2,
  attention_head_dim: 6,
  num_layers: 1,
  in_channels: 4,
  sample_size: 8,
  caption_channels: 8,
  use_additional_conditions: true,
};
const INDEX = {
  _class_name: "PixArtAlphaPipeline",
  vae: ["diffusers", "AutoencoderKL"],
  transformer: ["diffusers", "PixArtTransformer2DModel"],
  safety_checker: [null, null],
};

const random = <P>(tree: P): P => {
  let n = 0;
  return treeMap<Tensor, Tensor>(tree as Record<string, Tensor>, (leaf) => randn(key(n++), leaf.shape)) as P;
};

async function saved(dtype?: "F16"): Promise<string> {
  const path = await Deno.makeTempDir();
  const [vae, transformer] = [new AutoencoderKL(VAE), new PixArtTransformer2DModel(PIXART)];
  await saveDiffusers(
    path,
    INDEX,
    {
      vae: { className: "AutoencoderKL", config: VAE, params: random(vae.init(key(0))) },
      transformer: { className: "PixArtTransformer2DModel", config: PIXART, params: random(transformer.init(key(0))) },
    },
    {},
    dtype ? { dtype } : { maxShardBytes: 4000 },
  );
  return path;
}

Deno.test("a directory that was saved loads again, in parts and in every type", async () => {
  const path = await saved();
  const directory = await DiffusersDirectory.open(`${path}/`);
  assertEquals([directory.pipeline, ...directory.components.keys()], ["PixArtAlphaPipeline", "vae", "transformer"]);
  const { network, params, report, config } = await directory.load("transformer");
  assertEquals(network instanceof PixArtTransformer2DModel, true);
  assertEquals(report, { missing: [], unexpected: [], misshapen: [] });
  assertEquals(config._class_name, "PixArtTransformer2DModel");
  const first = flattenParams(params).values().next().value!;
  assertEquals(await first.data(), await randn(key(0), first.shape).data());
  const half = await directory.load("vae", { dtype: "bf16" });
  assertEquals(new Set([...flattenParams(half.params).values()].map((leaf) => leaf.dtype)), new Set(["bf16"]));
  await Deno.remove(path, { recursive: true });
});

Deno.test("PixArt's own names and fused projections load as diffusers'", async () => {
  const path = await saved("F16");
  const { tensors } = await openSafetensors(`${path}/transformer/diffusion_pytorch_model.safetensors`);
  const values = new Map<string, { dtype: "F32"; shape: readonly number[]; data: Float32Array }>();
  for (const [name, tensor] of tensors) {
    values.set(name, { dtype: "F32", shape: tensor.shape, data: (await tensor.read()).toFloat32() });
  }
  const take = (name: string) => {
    const value = values.get(name)!;
    values.delete(name);
    return value;
  };
  const fuse = (names: string[]) => {
    const parts = names.map(take);
    const [rows, ...rest] = parts[0].shape;
    return {
      dtype: "F32" as const,
      shape: [rows * parts.length, ...rest],
      data: Float32Array.from(parts.flatMap((part) => [...part.data])),
    };
  };
  const original: Record<string, ReturnType<typeof take>> = {
    pos_embed: { dtype: "F32", shape: [1], data: new Float32Array(1) },
    "y_embedder.y_embedding": { dtype: "F32", shape: [1], data: new Float32Array(1) },
  };
  const block = "transformer_blocks.0.";
  for (const kind of ["weight", "bias"]) {
    const names = (attention: string, ...parts: string[]) =>
      parts.map((part) => `${block}${attention}.${part}.${kind}`);
    original[`blocks.0.attn.qkv.${kind}`] = fuse(names("attn1", "to_q", "to_k", "to_v"));
    original[`blocks.0.cross_attn.kv_linear.${kind}`] = fuse(names("attn2", "to_k", "to_v"));
    for (
      const [theirs, ours] of [
        ["blocks.0.attn.proj", `${block}attn1.to_out.0`],
        ["blocks.0.cross_attn.q_linear", `${block}attn2.to_q`],
        ["blocks.0.cross_attn.proj", `${block}attn2.to_out.0`],
        ["blocks.0.mlp.fc1", `${block}ff.net.0.proj`],
        ["blocks.0.mlp.fc2", `${block}ff.net.2`],
        ["x_embedder.proj", "pos_embed.proj"],
        ["t_block.1", "adaln_single.linear"],
        ["final_layer.linear", "proj_out"],
        ["y_embedder.y_proj.fc1", "caption_projection.linear_1"],
        ["y_embedder.y_proj.fc2", "caption_projection.linear_2"],
        ...[["t", "timestep"], ["csize", "resolution"], ["ar", "aspect_ratio"]].flatMap(([theirs, ours]) => [
          [`${theirs}_embedder.mlp.0`, `adaln_single.emb.${ours}_embedder.linear_1`],
          [`${theirs}_embedder.mlp.2`, `adaln_single.emb.${ours}_embedder.linear_2`],
        ]),
      ]
    ) original[`${theirs}.${kind}`] = take(`${ours}.${kind}`);
  }
  original["final_layer.scale_shift_table"] = take("scale_shift_table");
  original["blocks.0.scale_shift_table"] = take(`${block}scale_shift_table`);
  assertEquals([...values.keys()], []);
  const file = `${path}/original.safetensors`;
  await writeSafetensors(file, original);
  const theirs = await loadComponent(`${path}/transformer`, { weights: file });
  const ours = await loadComponent(`${path}/transformer`);
  const expected = flattenParams(ours.params);
  for (const [name, leaf] of flattenParams(theirs.params)) {
    assertEquals(await leaf.data(), await expected.get(name)!.data(), name);
  }
  const odd = serialiseSafetensors({
    "blocks.0.attn.qkv.bias": { dtype: "F32", shape: [2], data: new Float32Array(2) },
  });
  const { tensors: broken } = await openSafetensors(memoryBytes(odd));
  assertThrows(() => diffusersPixArtNames(broken), RangeError, "of shape [2] apart into to_q, to_k, to_v");
  await Deno.remove(path, { recursive: true });
});

Deno.test("a directory that is wrong says so before anything is loaded", async () => {
  const path = await saved();
  const directory = await DiffusersDirectory.open(path);
  const config = `${path}/transformer/config.json`;
  const change = (fields: Record<string, unknown>) =>
    Deno.writeTextFile(config, JSON.stringify({ ...PIXART, ...fields }));
  const refused = (error: typeof TypeError, message: string) =>
    assertRejects(() => directory.load("transformer"), error, message);
  await assertRejects(
    () => DiffusersDirectory.open(`${path}/vae`),
    TypeError,
    "model_index.json: there is no such file",
  );
  await assertRejects(() => directory.load("unet"), TypeError, 'has no component "unet", only vae, transformer');
  await assertRejects(() => directory.scheduler(), TypeError, 'has no component "scheduler"');
  await change({ _class_name: "FluxTransformer2DModel" });
  await refused(TypeError, "its class is FluxTransformer2DModel, expected UNet2DConditionModel");
  await change({ num_layers: 1e9 });
  await refused(RangeError, "num_layers is 1000000000, but its checkpoint holds");
  await change({ num_layers: 2 });
  await refused(RangeError, "missing (transformer_blocks.1.");
  await change({ attention_head_dim: 12 });
  await refused(RangeError, "of another shape (");
  await change({ magic: 1 });
  await refused(TypeError, "magic");
  await Deno.remove(`${path}/vae/config.json`);
  await assertRejects(() => directory.load("vae"), TypeError, "config.json: there is no such file");
  await Deno.writeTextFile(`${path}/model_index.json`, '{"vae": ["diffusers"]}');
  await assertRejects(() => DiffusersDirectory.open(path), TypeError, "expected library and class");
  await Deno.remove(path, { recursive: true });
});

Deno.test("schedulers have the settings of their configuration", () => {
  const sd = { beta_schedule: "scaled_linear", beta_start: 0.00085, beta_end: 0.012, steps_offset: 1 };
  const pndm = parseScheduler({ _class_name: "PNDMScheduler", ...sd, set_alpha_to_one: false, skip_prk_steps: true });
  assertEquals(pndm.schedule.timeOfRatio(2.5), 625);
  assertEquals(pndm.sampler(2).timesteps, [501, 1]);
  const pixart = parseScheduler({ _class_name: "DPMSolverMultistepScheduler", solver_order: 2 });
  assertEquals(pixart.schedule.timeOfRatio(2.5), 440);
  assertEquals(pixart.sampler(4).timesteps, [999, 749, 500, 250]);
  assertThrows(() => parseScheduler({ _class_name: "KarrasVe" }), TypeError, "_class_name is KarrasVe, expected DDIM");
  assertThrows(
    () => parseScheduler({ _class_name: "DDIMScheduler", num_train_timesteps: 1e12 }),
    TypeError,
    "num_train_timesteps is 1000000000000",
  );
});
