/**
 * Training steps of the networks that the emoji example trains, at its sizes.
 *
 * Inputs: noisy images `[B, 3, S, S]`, times `[B]`, condition `[B, L, D]`, the wanted output `[B, 3, S, S]`, then the
 * parameters. The loss is the mean squared error; AdamW as in `ADAMW`, over all parameters.
 */
import { PixArtTransformer2DModel, UNet2DConditionModel } from "@dipp/scores";
import { key, type Tensor, treeEntries } from "@dipp/tensor";
import { type Data, noise, type Row, type Training } from "../row.ts";

/** Tokens of the condition. */
const TOKENS = 4;

/** A row for a network of a configuration. */
export function trainingRow(
  name: string,
  network: Training["network"],
  config: Readonly<Record<string, unknown>>,
  batch: number,
): Row {
  const model = makeNetwork(network, config);
  const parameters = treeEntries<Tensor>(model.init(key(0)));
  const { sample_size: side } = model.config as { sample_size: number };
  const width = (config.caption_channels ?? config.cross_attention_dim) as number;
  const image = [batch, 3, side, side];
  return {
    name: `${name} training step, batch ${batch}`,
    target: { webgpu: 3, wasm: 1 },
    work: { op: "train", network, config, names: parameters.map(([path]) => path) },
    checked: 3,
    host: true,
    first: network === "dit",
    inputs: () => [
      noise(1, image),
      noise(2, [batch], 2, 2),
      noise(3, [batch, TOKENS, width]),
      noise(4, image),
      ...parameters.map(([path, { shape }], i) => parameter(path, shape, i)),
    ],
  };
}

/** The network of a training row. */
export function makeNetwork(
  network: Training["network"],
  config: Readonly<Record<string, unknown>>,
): UNet2DConditionModel | PixArtTransformer2DModel {
  return network === "unet" ? new UNet2DConditionModel(config) : new PixArtTransformer2DModel(config);
}

// Nothing is zero, so that every parameter has a gradient.
function parameter(path: string, shape: readonly number[], i: number): Data {
  if (shape.length > 1) {
    const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
    return noise(i + 11, shape, path.endsWith("scale_shift_table") ? 0.2 : Math.sqrt(1.5 / fanIn));
  }
  return noise(i + 11, shape, 0.1, path.endsWith("weight") ? 1 : 0);
}

/** The networks measured: those of `examples/emoji/teacher-dit.json` and `teacher-unet.json`. */
export const trainingRows: readonly Row[] = [
  trainingRow("emoji DiT", "dit", {
    num_attention_heads: 3,
    attention_head_dim: 32,
    num_layers: 4,
    in_channels: 3,
    out_channels: 3,
    sample_size: 32,
    patch_size: 4,
    caption_channels: 64,
  }, 32),
  trainingRow("emoji UNet", "unet", {
    sample_size: 32,
    in_channels: 3,
    out_channels: 3,
    block_out_channels: [16, 32, 48],
    down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    layers_per_block: 1,
    norm_num_groups: 8,
    attention_head_dim: 4,
    cross_attention_dim: 48,
  }, 32),
];
