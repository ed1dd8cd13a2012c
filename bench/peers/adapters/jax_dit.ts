/** diffusers' PixArtTransformer2DModel on jax-js, as far as the rows configure it. */
import type { JaxArray } from "./jax_api.ts";
import type { JaxLayers } from "./jax_layers.ts";

/** The part of diffusers' configuration that the network reads. */
export interface DiTConfig {
  readonly num_attention_heads: number;
  readonly num_layers: number;
  readonly out_channels: number;
  readonly patch_size: number;
}

/** Width of the sinusoids. */
const SINUSOIDS = 256;
/** Added to the variance by the layer norms. */
const NORM_EPS = 1e-6;

/** `[B, C, S, S]`, `[B]`, `[B, L, D]` to `[B, C, S, S]`. */
export function dit(
  layers: JaxLayers,
  config: DiTConfig,
  x: JaxArray,
  time: JaxArray,
  context: JaxArray,
): JaxArray {
  const { nn, numpy } = layers.jax;
  const { num_attention_heads: heads, patch_size: patch, out_channels: channels } = config;
  const [batch, inChannels, side] = x.shape;
  const count = side / patch;

  const embedding = layers.timeEmbedding("adaln_single.emb.timestep_embedder", time, SINUSOIDS);
  const width = embedding.shape[1];
  const modulation = layers.linear("adaln_single.linear", layers.silu(embedding)).reshape([batch, 6, width]);
  const caption = layers.linear(
    "caption_projection.linear_2",
    nn.gelu(layers.linear("caption_projection.linear_1", context), { approximate: true }),
  );
  const modulated = (x: JaxArray, shift: JaxArray, scale: JaxArray) =>
    layers.normalise(x, NORM_EPS).mul(scale.ref.add(1)).add(shift.ref);

  const patches = x.ref.reshape([batch, inChannels, count, patch, count, patch])
    .transpose([0, 2, 4, 1, 3, 5])
    .reshape([batch, count * count, inChannels * patch * patch]);
  const kernel = layers.param("pos_embed.proj.weight").reshape([width, inChannels * patch * patch]);
  let tokens = numpy.matmul(patches, kernel.transpose())
    .add(layers.param("pos_embed.proj.bias")).add(positions(layers, count, width));
  for (let i = 0; i < config.num_layers; i++) {
    const name = `transformer_blocks.${i}`;
    const table = layers.param(`${name}.scale_shift_table`).reshape([1, 6, width]).add(modulation.ref);
    const [shift1, scale1, gate1, shift2, scale2, gate2] = numpy.split(table, 6, 1);
    let h = modulated(tokens, shift1, scale1);
    tokens = tokens.add(layers.attention(`${name}.attn1`, h, heads).mul(gate1));
    tokens = tokens.ref.add(layers.attention(`${name}.attn2`, tokens, heads, caption));
    h = modulated(tokens, shift2, scale2);
    tokens = tokens.add(layers.feedForward(`${name}.ff`, h, false).mul(gate2));
  }
  const table = layers.param("scale_shift_table").reshape([1, 2, width]).add(embedding.ref.reshape([batch, 1, width]));
  const [shift, scale] = numpy.split(table, 2, 1);
  return layers.linear("proj_out", modulated(tokens, shift, scale))
    .reshape([batch, count, count, patch, patch, channels])
    .transpose([0, 5, 1, 3, 2, 4])
    .reshape([batch, channels, side, side]);
}

/** Sines and cosines of column and row, `[1, count^2, width]`, for a sample of the size that the network is made for. */
function positions(layers: JaxLayers, count: number, width: number): JaxArray {
  const quarter = width / 4;
  const table = Array.from({ length: count * count }, (_, i) =>
    [i % count, Math.floor(i / count)].flatMap((at) => {
      const angles = Array.from({ length: quarter }, (_, k) => at / 10000 ** (k / quarter));
      return [...angles.map(Math.sin), ...angles.map(Math.cos)];
    }));
  return layers.jax.numpy.array(Float32Array.from(table.flat()), { shape: [1, count * count, width] });
}
