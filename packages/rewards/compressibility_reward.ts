import { padWith, type Tensor, tensor } from "@dipp/tensor";
import type { Reward } from "./reward.ts";

/** Side of a block. */
const N = 8;

/** JPEG's example table for luminance (ITU-T T.81, table K.1). */
const LUMINANCE = [
  [16, 11, 10, 16, 24, 40, 51, 61],
  [12, 12, 14, 19, 26, 58, 60, 55],
  [14, 13, 16, 24, 40, 57, 69, 56],
  [14, 17, 22, 29, 51, 87, 80, 62],
  [18, 22, 37, 56, 68, 109, 103, 77],
  [24, 35, 55, 64, 81, 104, 113, 92],
  [49, 64, 78, 87, 103, 121, 120, 101],
  [72, 92, 95, 98, 112, 100, 103, 99],
];

/** RGB to Y, Cb, Cr without offsets (JFIF). */
const YCBCR = [
  [0.299, 0.587, 0.114],
  [-0.168736, -0.331264, 0.5],
  [0.5, -0.418688, -0.081312],
];

/** The orthonormal discrete cosine transform of 8 values, as a matrix. */
function cosines(): Tensor {
  const rows = Array.from(
    { length: N },
    (_, k) =>
      Array.from({ length: N }, (_, n) => Math.sqrt((k === 0 ? 1 : 2) / N) * Math.cos(Math.PI * (n + 0.5) * k / N)),
  );
  return tensor(rows);
}

/**
 * Likes images that compress well: minus an estimate of bits per pixel. The estimate is no file size: it is the sum over
 * the 8x8 cosine coefficients c of 1/2 log2(1 + (c / q)^2), the rate of a Gaussian of that size coded to the precision q,
 * with JPEG's luminance table q for all three channels, and neither subsampling of colours nor run lengths nor entropy
 * coding. It is smooth, so it has a gradient, which the size of a real file has not; expect it to order images as their
 * files do, not to predict bytes.
 *
 * @param sign 1 for compressible, -1 for the opposite
 * @returns the reward
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { compressibilityReward } from "@dipp/rewards";
 * import { full, key, tensor, uniform } from "@dipp/tensor";
 *
 * const reward = compressibilityReward();
 * const ids = tensor([[1]], [1, 1], "i32");
 * const flat = await reward.score(full([1, 3, 16, 16], 0.25), { ids }).item();
 * const noise = await reward.score(uniform(key(0), [1, 3, 16, 16]), { ids }).item();
 * assert(flat > noise);
 * ```
 */
export function compressibilityReward(sign: 1 | -1 = 1): Reward {
  return {
    description: { name: "compressibility", options: { sign, estimate: "1/2 log2(1 + (dct / q)^2)" } },
    score(images) {
      const [batch, , height, width] = images.shape;
      const rest = (length: number): [number, number] => [0, (N - length % N) % N];
      const whole = padWith(images, [[0, 0], [0, 0], rest(height), rest(width)], "replicate");
      const [, , tall, wide] = whole.shape;
      const [rows, columns] = [tall / N, wide / N];
      const channels = tensor(YCBCR).matmul(whole.mul(255).reshape([batch, 3, tall * wide]));
      const blocks = channels.reshape([batch, 3, rows, N, columns, N]).permute([0, 1, 2, 4, 3, 5]);
      const dct = cosines();
      // Of mid-grey, from which JPEG counts, nothing need be coded
      const mean = tensor([128 * N, 0, 0], [1, 3, 1, 1, 1, 1]).mul(
        tensor([1, ...new Array<number>(63).fill(0)], [N, N]),
      );
      const coefficients = dct.matmul(blocks.matmul(dct.transpose(0, 1))).sub(mean);
      const bits = coefficients.div(tensor(LUMINANCE)).square().add(1).log().mul(0.5 / Math.LN2);
      return bits.flatten(1).sum(1).mul(-sign / (tall * wide));
    },
  };
}
