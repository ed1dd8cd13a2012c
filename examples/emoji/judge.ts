/** A made-up taste that stands in for a person's: vivid drawings on clean white are preferred. */
import type { RgbImage } from "../../packages/train/images.ts";
import type { Verdict } from "../../packages/train/prefer/choice_journal.ts";
import { randomUniform } from "./counter_random.ts";

/** How much a difference of taste decides; the better of two that differ by 0.03 is chosen with 86 %. */
const SHARPNESS = 60;

/** Below this difference of taste the judge sees none. */
const TIE = 0.005;

/** Pixels at each edge that count as background. */
const EDGE = 2;

/**
 * How much the judge likes a picture: its colourfulness (Hasler and Suesstrunk 2003, section 7, on [0, 1]) minus how far
 * its edge is from white.
 *
 * @param image The picture.
 * @returns The taste, larger is better.
 */
export function taste({ width, height, rgb }: RgbImage): number {
  const sums = [0, 0, 0, 0];
  let grey = 0, edges = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [r, g, b] = [0, 1, 2].map((c) => rgb[3 * (y * width + x) + c] / 255);
      const [rg, yb] = [r - g, (r + g) / 2 - b];
      [rg, rg * rg, yb, yb * yb].forEach((value, i) => sums[i] += value);
      if (Math.min(x, y, width - 1 - x, height - 1 - y) < EDGE) {
        grey += 1 - (r + g + b) / 3;
        edges++;
      }
    }
  }
  const [rg, rg2, yb, yb2] = sums.map((sum) => sum / (width * height));
  const spread = Math.sqrt(Math.max(0, rg2 - rg ** 2 + yb2 - yb ** 2));
  return spread + 0.3 * Math.hypot(rg, yb) - grey / edges;
}

/**
 * What the judge says of two pictures: a draw from the Bradley-Terry probability of their tastes, so that it errs as
 * people do, or a tie where it sees no difference.
 *
 * @param left The left picture.
 * @param right The right one.
 * @param seed Seed of its errors.
 * @param pair Number of the pair.
 */
export function judge(left: RgbImage, right: RgbImage, seed: number, pair: number): Verdict {
  const difference = taste(left) - taste(right);
  if (Math.abs(difference) < TIE) return "tie";
  const chance = 1 / (1 + Math.exp(-SHARPNESS * difference));
  return randomUniform(seed, 7, pair, 0) < chance ? "left" : "right";
}
