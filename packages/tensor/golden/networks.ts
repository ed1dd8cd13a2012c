// Evaluators of the ops that networks are made of: contractions, normalisations,
// attention, resampling; by the name that the reference cases use.

import * as dipp from "../mod.ts";
import type { Evaluate } from "./elementwise.ts";

type Two = [number, number];

/** All of them, by name. */
export const NETWORKS: Record<string, Evaluate> = {
  adaptive_avg_pool2d: ({ x }, { size }) => dipp.adaptiveAvgPool2d(x, size as Two),
  avg_pool2d: ({ x }, attrs) =>
    dipp.avgPool2d(x, attrs.kernel as Two, {
      stride: attrs.stride as Two,
      padding: attrs.padding as Two,
      ceilMode: (attrs.ceil_mode ?? false) as boolean,
      countIncludePad: (attrs.count_include_pad ?? true) as boolean,
    }),
  batch_norm_eval: ({ x, running_mean, running_var, weight, bias }, { eps }) => {
    const shape = [1, -1, ...x.shape.slice(2).map(() => 1)];
    const scale = running_var.add(eps as number).rsqrt().mul(weight);
    return x.sub(running_mean.reshape(shape)).mul(scale.reshape(shape))
      .add(bias.reshape(shape));
  },
  conv2d: ({ x, weight, bias }, attrs) =>
    dipp.conv2d(x, weight, {
      bias,
      stride: attrs.stride as Two,
      padding: attrs.padding as Two,
      dilation: attrs.dilation as Two,
      groups: attrs.groups as number,
    }),
  conv_transpose2d: ({ x, weight, bias }, attrs) =>
    dipp.convTranspose2d(x, weight, {
      bias,
      stride: attrs.stride as Two,
      padding: attrs.padding as Two,
      outputPadding: attrs.output_padding as Two,
      dilation: attrs.dilation as Two,
      groups: attrs.groups as number,
    }),
  einsum: ({ a, b, c }, { equation }) =>
    dipp.einsum(
      equation as string,
      ...[a, b, c].filter((operand) => operand !== undefined),
    ),
  group_norm: ({ x, weight, bias }, { groups, eps }) =>
    dipp.groupNorm(x, groups as number, { weight, bias, eps: eps as number }),
  fold: ({ x }, { size, kernel, ...windows }) => dipp.foldColumns(x, size as Two, kernel as Two, windows),
  interpolate: ({ x }, { size, mode, align_corners, antialias }) =>
    dipp.interpolate(x, {
      size: size as Two,
      mode: mode as dipp.InterpolateMode,
      alignCorners: align_corners as boolean,
      antialias: antialias as boolean,
    }),
  layer_norm: ({ x, weight, bias }, { normalized_shape, eps }) =>
    dipp.layerNorm(x, {
      weight,
      bias,
      eps: eps as number,
      axes: (normalized_shape as number[]).length,
    }),
  linear: ({ x, weight, bias }) => dipp.linear(x, weight, bias),
  max_pool2d: ({ x }, attrs) =>
    dipp.maxPool2d(x, attrs.kernel as Two, {
      stride: attrs.stride as Two,
      padding: attrs.padding as Two,
      dilation: (attrs.dilation ?? 1) as Two,
      ceilMode: (attrs.ceil_mode ?? false) as boolean,
    }),
  matmul: ({ x, y }) => x.matmul(y),
  rms_norm: ({ x, weight }, { eps }) => dipp.rmsNorm(x, { weight, eps: eps as number }),
  sdpa: ({ q, k, v, mask }, { scale, causal }) =>
    dipp.scaledDotProductAttention(q, k, v, {
      mask,
      causal: causal as boolean,
      scale: (scale ?? undefined) as number | undefined,
    }),
  timestep_embedding: ({ t }, { dim, flip, shift, max_period }) =>
    dipp.timestepEmbedding(t, dim as number, {
      flipSinToCos: flip as boolean,
      downscaleFreqShift: shift as number,
      maxPeriod: max_period as number,
    }),
  unfold: ({ x }, { kernel, ...windows }) => dipp.unfold(x, kernel as Two, windows),
};
