/** Values for parameters that mean nothing: the same bytes on every machine, since no device computes them. */
import type { SafetensorsInput } from "@dipp/nn";
import { type Tensor, type Tree, treeEntries } from "@dipp/tensor";

/**
 * Values for a tree: matrices uniform with variance 1 / fan-in, gains near one, biases near zero.
 *
 * @param seed Told apart by it, trees of the same names have other values.
 * @param tree The tree, of which names and shapes are read.
 * @returns What `serialiseSafetensors` takes, in f32.
 */
export function tinyValues(seed: string, tree: Tree<Tensor>): Map<string, SafetensorsInput> {
  return new Map(
    treeEntries<Tensor>(tree).map(([name, { shape, size }]) => {
      const random = numbers(`${seed}/${name}`);
      const isGain = /norm\w*\.weight$|scale$/.test(name) && shape.length === 1;
      const fanIn = size / (shape[0] ?? 1);
      const width = shape.length > 1 ? Math.sqrt(3 / fanIn) : 0.1;
      const data = Float32Array.from({ length: size }, () => (isGain ? 1 : 0) + width * random());
      return [name, { dtype: "F32", shape, data }];
    }),
  );
}

/** Numbers in [-1, 1): a linear congruential generator (Numerical Recipes' constants) that begins with a hash (FNV-1a). */
function numbers(seed: string): () => number {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(seed)) state = Math.imul(state ^ byte, 0x01000193);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}
