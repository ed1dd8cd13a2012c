/** Convolution and its two gradients, by their definition. */
import type { ConvPrimitive } from "../primitive.ts";

/** One of the three passes: each pairs every output position with every weight of its window. */
export function convolution({ pass, geometry: g }: ConvPrimitive, a: Float64Array, b: Float64Array): Float64Array {
  const [batch, channels, height, width] = g.input;
  const [outputs, perGroup, kh, kw] = g.weight;
  const [, , oh, ow] = g.output;
  const size = (shape: readonly number[]) => shape.reduce((n, m) => n * m, 1);
  const result = new Float64Array(size({ forward: g.output, inputGrad: g.input, weightGrad: g.weight }[pass]));
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outputs; o++) {
      for (let c = 0; c < perGroup; c++) {
        const channel = Math.floor(o / (outputs / g.groups)) * perGroup + c;
        for (let y = 0; y < oh * ow; y++) {
          for (let k = 0; k < kh * kw; k++) {
            const row = Math.floor(y / ow) * g.stride[0] - g.padding[0] + Math.floor(k / kw) * g.dilation[0];
            const column = y % ow * g.stride[1] - g.padding[1] + k % kw * g.dilation[1];
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            const input = ((n * channels + channel) * height + row) * width + column;
            const weight = (o * perGroup + c) * kh * kw + k;
            const output = (n * outputs + o) * oh * ow + y;
            if (pass === "forward") result[output] += a[input] * b[weight];
            else if (pass === "inputGrad") result[input] += a[output] * b[weight];
            else result[weight] += a[input] * b[output];
          }
        }
      }
    }
  }
  return result;
}
