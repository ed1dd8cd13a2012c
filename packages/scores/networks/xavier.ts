import { type Params, xavierUniform } from "@dipp/nn";
import { fold, type Tensor, treeMap, zeros } from "@dipp/tensor";

/**
 * Layers as diffusion transformers start: matrices from Xavier's uniform distribution, biases zero.
 *
 * @param key The random key.
 * @param layers Parameters of the wanted shapes.
 * @returns A tree of the same structure.
 */
export function xavier<P extends Params>(key: Tensor, layers: P): P {
  let n = 0;
  return treeMap<Tensor, Tensor>(
    layers,
    (leaf) => leaf.ndim === 2 ? xavierUniform(fold(key, ++n), leaf.shape) : zeros([...leaf.shape]),
  ) as P;
}
