import type { Tensor } from "@dipp/tensor";

/**
 * The distance of LPIPS from the feature maps of its backbone (Zhang et al. 2018, equation 1): maps of unit length in
 * their channels, squared differences weighted by channel, mean over positions, sum over layers. Differentiable.
 *
 * @param a feature maps of one batch, [B, C, H, W] for each layer
 * @param b those of the other batch, of the same shapes
 * @param weights one [1, C, 1, 1] for each layer, `lin0.model.1.weight` and so on in the official checkpoints
 * @returns the contribution of each layer, [B]; their sum is the distance
 * @throws {RangeError} when the numbers of layers differ
 *
 * @example Equal maps
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { lpipsLayers } from "@dipp/metrics";
 * import { ones } from "@dipp/tensor";
 *
 * const maps = [ones([1, 3, 2, 2])];
 * assertEquals(await lpipsLayers(maps, maps, [ones([1, 3, 1, 1])])[0].item(), 0);
 * ```
 */
export function lpipsLayers(a: readonly Tensor[], b: readonly Tensor[], weights: readonly Tensor[]): Tensor[] {
  if (a.length !== b.length || a.length !== weights.length) {
    throw new RangeError(
      `Cannot compute LPIPS of ${a.length} and ${b.length} layers with ${weights.length} weights: expected one number`,
    );
  }
  const unit = (x: Tensor) => x.div(x.square().sum(1, true).sqrt().add(1e-10));
  return a.map((x, i) => unit(x).sub(unit(b[i])).square().mul(weights[i]).sum(1).mean([1, 2]));
}
