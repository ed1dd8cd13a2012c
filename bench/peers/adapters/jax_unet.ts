/** diffusers' UNet2DConditionModel on jax-js, as far as the rows configure it. */
import type { JaxArray } from "./jax_api.ts";
import type { JaxLayers } from "./jax_layers.ts";

/** The part of diffusers' configuration that the network reads. */
export interface UNetConfig {
  readonly block_out_channels: readonly number[];
  readonly norm_num_groups: number;
  readonly attention_head_dim: number;
}

/** `[B, C, S, S]`, `[B]`, `[B, L, D]` to `[B, C, S, S]`. */
export function unet(layers: JaxLayers, config: UNetConfig, x: JaxArray, time: JaxArray, context: JaxArray): JaxArray {
  const widths = config.block_out_channels;
  const [groups, heads] = [config.norm_num_groups, config.attention_head_dim];
  const embedding = layers.silu(layers.timeEmbedding("time_embedding", time, widths[0]));

  const resnet = (name: string, x: JaxArray) => {
    let h = layers.conv2d(`${name}.conv1`, layers.silu(layers.groupNorm(`${name}.norm1`, x, groups)));
    const shift = layers.linear(`${name}.time_emb_proj`, embedding);
    h = h.add(shift.reshape([...shift.shape, 1, 1]));
    h = layers.conv2d(`${name}.conv2`, layers.silu(layers.groupNorm(`${name}.norm2`, h, groups)));
    const shortcut = `${name}.conv_shortcut`;
    return h.add(layers.has(`${shortcut}.weight`) ? layers.conv2d(shortcut, x) : x.ref);
  };
  const transformer = (name: string, x: JaxArray) => {
    const [batch, channels, height, width] = x.shape;
    const normed = layers.groupNorm(`${name}.norm`, x, groups, 1e-6);
    let t = layers.linear(
      `${name}.proj_in`,
      normed.reshape([batch, channels, height * width]).transpose([0, 2, 1]),
    );
    const block = `${name}.transformer_blocks.0`;
    t = t.ref.add(layers.attention(`${block}.attn1`, layers.layerNorm(`${block}.norm1`, t), heads));
    t = t.ref.add(layers.attention(`${block}.attn2`, layers.layerNorm(`${block}.norm2`, t), heads, context));
    t = t.ref.add(layers.feedForward(`${block}.ff`, layers.layerNorm(`${block}.norm3`, t), true));
    t = layers.linear(`${name}.proj_out`, t);
    return t.transpose([0, 2, 1]).reshape([batch, channels, height, width]).add(x.ref);
  };
  const level = (name: string, i: number, x: JaxArray) => {
    x = resnet(`${name}.resnets.${i}`, x);
    const attention = `${name}.attentions.${i}`;
    return layers.has(`${attention}.norm.weight`) ? transformer(attention, x) : x;
  };

  x = layers.conv2d("conv_in", x);
  const skips = [x];
  widths.forEach((_, n) => {
    const name = `down_blocks.${n}`;
    for (let i = 0; layers.has(`${name}.resnets.${i}.conv1.weight`); i++) skips.push(x = level(name, i, x));
    const down = `${name}.downsamplers.0.conv`;
    if (layers.has(`${down}.weight`)) skips.push(x = layers.conv2d(down, x, 2));
  });
  x = resnet("mid_block.resnets.0", x);
  x = resnet("mid_block.resnets.1", transformer("mid_block.attentions.0", x));
  widths.forEach((_, n) => {
    const name = `up_blocks.${n}`;
    for (let i = 0; layers.has(`${name}.resnets.${i}.conv1.weight`); i++) {
      x = level(name, i, layers.jax.numpy.concatenate([x.ref, skips.pop()!.ref], 1));
    }
    const up = `${name}.upsamplers.0.conv`;
    if (layers.has(`${up}.weight`)) x = layers.conv2d(up, doubled(layers, x));
  });
  x = layers.silu(layers.groupNorm("conv_norm_out", x, groups));
  return layers.conv2d("conv_out", x);
}

/** Every pixel four times. */
function doubled(layers: JaxLayers, x: JaxArray): JaxArray {
  const [batch, channels, height, width] = x.shape;
  const wide = layers.jax.numpy.broadcastTo(
    x.ref.reshape([batch, channels, height, 1, width, 1]),
    [batch, channels, height, 2, width, 2],
  );
  return wide.reshape([batch, channels, 2 * height, 2 * width]);
}
