import type { Tensor } from "@dipp/tensor";
import type { Decoder } from "./types.ts";

/**
 * The decoder of pixel-space models: from their [-1, 1] to the [0, 1] that
 * rewards and metrics take. It does not clamp, so that a reward's gradient
 * reaches pixels that are out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { tensor } from "@dipp/tensor";
 * import { PixelDecoder } from "@dipp/scores";
 *
 * const pixels = new PixelDecoder().decode(tensor([-1, 0, 1]));
 * assertEquals([...await pixels.data()], [0, 0.5, 1]);
 * ```
 */
export class PixelDecoder implements Decoder {
  /**
   * Shifts and scales.
   *
   * @param latents Images in [-1, 1], any shape.
   * @returns Images in [0, 1].
   */
  decode(latents: Tensor): Tensor {
    return latents.mul(0.5).add(0.5);
  }
}
