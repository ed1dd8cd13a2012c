/**
 * Parameters as plain trees of tensors: what networks, optimisers and
 * checkpoints exchange.
 *
 * @module
 */

import {
  assign,
  grad,
  realize,
  type Tensor,
  tensor,
  type Tree,
  treeEntries,
  treeLeaves,
  treeMap,
  zeros,
} from "@dipp/tensor";

/**
 * A tree of tensors. The path of a leaf, joined by dots, is the name of the
 * parameter in the checkpoints of the reference libraries: lists are arrays,
 * so `{ attn1: { to_out: [{ weight }] } }` holds `attn1.to_out.0.weight`.
 */
export type Params = Tree<Tensor>;

/**
 * Lists parameters by their names.
 *
 * @param params the tree
 * @returns its leaves by path, in the order of the tree
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { flattenParams } from "@dipp/nn";
 * import { zeros } from "@dipp/tensor";
 *
 * const params = { fc: [{ weight: zeros([3, 2]) }], scale: zeros([]) };
 * assertEquals([...flattenParams(params).keys()], ["fc.0.weight", "scale"]);
 * ```
 */
export function flattenParams(params: Params): Map<string, Tensor> {
  return new Map(treeEntries<Tensor>(params));
}

/**
 * Counts the numbers in a tree.
 *
 * @param params the tree
 * @returns the sum of the sizes of its leaves
 */
export function parameterCount(params: Params): number {
  return treeLeaves<Tensor>(params).reduce((n, leaf) => n + leaf.size, 0);
}

/**
 * Combines trees of the same structure leaf by leaf.
 *
 * @param fn the new leaf from the leaves at one path, first tree first
 * @param first the tree whose structure the result takes
 * @param rest trees with the same paths
 * @returns the combined tree
 * @throws {RangeError} when a tree lacks a path of the first or has another
 */
export function zipParams<P extends Params>(
  fn: (leaves: Tensor[], path: string) => Tensor,
  first: P,
  ...rest: Params[]
): P {
  const others = rest.map(flattenParams);
  const count = treeLeaves<Tensor>(first).length;
  for (const other of others) {
    if (other.size === count) continue;
    throw new RangeError(
      `Cannot combine trees of ${count} and ${other.size} tensors`,
    );
  }
  return treeMap<Tensor, Tensor>(first, (leaf, path) => {
    const leaves = others.map((other) => {
      const found = other.get(path);
      if (found) return found;
      throw new RangeError(
        `Cannot combine trees: one of them has no "${path}"`,
      );
    });
    return fn([leaf, ...leaves], path);
  }) as P;
}

/**
 * Builds zeros in the shapes of a tree: empty optimiser state, or the zero
 * initialisation of a layer (`zerosLike(linear.init(key, 8, 8))`).
 *
 * @param params the tree
 * @param dtype the element type, by default each leaf's own
 * @returns a tree of the same structure
 */
export function zerosLike<P extends Params>(
  params: P,
  dtype?: Tensor["dtype"],
): P {
  return treeMap<Tensor, Tensor>(
    params,
    (leaf) => zeros(leaf.shape, dtype ?? leaf.dtype),
  ) as P;
}

/**
 * Computes every tensor of a tree into a buffer of its own, in one submit:
 * what turns the expressions of an `init` into parameters that
 * {@linkcode assignTree} can write to.
 *
 * @param params the tree
 * @returns the same tree
 */
export async function realizeParams<P extends Params>(params: P): Promise<P> {
  await realize(...treeLeaves<Tensor>(params));
  return params;
}

/**
 * Copies a tree into fresh buffers, bit for bit. Reads through the host: for
 * setting up, not for a training step.
 *
 * @param params the tree to copy
 * @returns a tree that shares no memory with it
 */
export async function cloneParams<P extends Params>(params: P): Promise<P> {
  await realizeParams(params);
  const entries = treeEntries<Tensor>(params);
  const copies = await Promise.all(
    entries.map(async ([, leaf]) => tensor(await leaf.data(), [...leaf.shape], leaf.dtype)),
  );
  const byPath = new Map(entries.map(([path], i) => [path, copies[i]]));
  const clone = treeMap<Tensor, Tensor>(
    params,
    (_, path) => byPath.get(path)!,
  ) as P;
  return realizeParams(clone);
}

/**
 * Writes new values over the tensors of a tree, when the current compiled step
 * (or the next evaluation outside one) ends.
 *
 * @param target the parameters: computed tensors, not expressions
 * @param values a tree of the same structure and shapes
 * @throws {RangeError} when the structures or shapes differ
 */
export function assignTree(target: Params, values: Params): void {
  const pairs: [Tensor, Tensor][] = [];
  zipParams(
    ([to, from], path) => {
      if (to.shape.join() !== from.shape.join()) {
        throw new RangeError(
          `Cannot assign "${path}": its shape is [${to.shape}], the value's ` +
            `[${from.shape}]`,
        );
      }
      pairs.push([to, from]);
      return to;
    },
    target,
    values,
  );
  // Checked as a whole first, so that an error leaves nothing half assigned.
  for (const [to, from] of pairs) assign(to, from);
}

/**
 * Differentiates a loss with respect to a tree.
 *
 * @param loss a tensor of one element
 * @param params the tree
 * @returns the gradients, as a tree of the same structure
 */
export function gradTree<P extends Params>(loss: Tensor, params: P): P {
  const entries = treeEntries<Tensor>(params);
  const grads = grad(loss, entries.map(([, leaf]) => leaf));
  const byPath = new Map(entries.map(([path], i) => [path, grads[i]]));
  return treeMap<Tensor, Tensor>(params, (_, path) => byPath.get(path)!) as P;
}
