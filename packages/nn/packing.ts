/**
 * Parameters as a few long vectors, so that one kernel updates them all.
 *
 * @module
 */

import { pack, type Tensor, treeEntries, treeWithLeaves, unpack } from "@dipp/tensor";
import type { Params } from "./params.ts";

/** A tree packed into one vector for each group of parameters. */
export type PackedParams = { [group: string]: Tensor };

/**
 * How the parameters of a tree lie in vectors, one for each group: those that an optimiser treats alike (AdamW decays
 * matrices and spares vectors) share one.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { flattenParams, Packing } from "@dipp/nn";
 * import { ones } from "@dipp/tensor";
 *
 * const params = { fc: { weight: ones([3, 2]), bias: ones([3]) }, scale: ones([4]) };
 * const packing = new Packing(params, (_, t) => t.ndim > 1 ? "matrices" : "vectors");
 * const packed = packing.pack(params);
 * assertEquals(packed.vectors.shape, [7]);
 * assertEquals(flattenParams(packing.unpack(packed)).get("fc.weight")?.shape, [3, 2]);
 * ```
 */
export class Packing {
  readonly #tree: Params;
  readonly #groups: Map<string, string[]> = new Map();

  /**
   * Notes the structure of a tree.
   *
   * @param tree Parameters; only their structure and shapes are kept in mind.
   * @param groupOf Names the group of a parameter.
   */
  constructor(tree: Params, groupOf: (path: string, parameter: Tensor) => string = () => "all") {
    this.#tree = tree;
    for (const [path, parameter] of treeEntries<Tensor>(tree)) {
      const group = groupOf(path, parameter);
      if (!this.#groups.has(group)) this.#groups.set(group, []);
      this.#groups.get(group)!.push(path);
    }
  }

  /**
   * Copies a tree (of parameters, or of their gradients) into vectors.
   *
   * @param params A tree of the packing's structure.
   * @returns One vector a group.
   */
  pack(params: Params): PackedParams {
    const leaves = new Map(treeEntries<Tensor>(params));
    return Object.fromEntries(
      [...this.#groups].map(([group, paths]) => [group, pack(paths.map((path) => leaves.get(path)!))]),
    );
  }

  /**
   * The tree that vectors hold, as views of them.
   *
   * @param packed One vector a group.
   * @returns A tree of the packing's structure.
   */
  unpack(packed: PackedParams): Params {
    const shapes = new Map(treeEntries<Tensor>(this.#tree).map(([path, t]) => [path, t.shape]));
    const leaves = new Map(
      [...this.#groups].flatMap(([group, paths]) =>
        unpack(packed[group], paths.map((path) => shapes.get(path)!)).map((t, i) => [paths[i], t] as const)
      ),
    );
    return treeWithLeaves<Tensor, Tensor>(this.#tree, [...shapes.keys()].map((path) => leaves.get(path)!));
  }
}
