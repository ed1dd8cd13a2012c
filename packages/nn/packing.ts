/**
 * Parameters as a few long vectors, so that one kernel updates them all.
 *
 * @module
 */

import { pack, packedStarts, type Shape, type Tensor, treeEntries, treeWithLeaves, unpack } from "@dipp/tensor";
import type { Params } from "./params.ts";

/** Parameters begin at multiples of this many elements: there their gradients are computed, without being copied. */
const ALIGNMENT = 64;

/** A tree packed into one vector for each group of parameters. */
export type PackedParams = { [group: string]: Tensor };

/**
 * How the parameters of a tree lie in vectors, one for each group: those that an optimiser treats alike (AdamW decays
 * matrices and spares vectors) share one. Each begins at a multiple of 64 elements; what lies between them is zero.
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
 * assertEquals(packed.vectors.shape, [64 + 4]);
 * assertEquals(flattenParams(packing.unpack(packed)).get("fc.weight")?.shape, [3, 2]);
 * ```
 */
export class Packing {
  readonly #tree: Params;
  readonly #groups: Map<string, { paths: string[]; shapes: Shape[] }> = new Map();

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
      if (!this.#groups.has(group)) this.#groups.set(group, { paths: [], shapes: [] });
      const { paths, shapes } = this.#groups.get(group)!;
      paths.push(path);
      shapes.push(parameter.shape);
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
      [...this.#groups].map(([group, { paths }]) => [
        group,
        pack(paths.map((path) => leaves.get(path)!), { align: ALIGNMENT }),
      ]),
    );
  }

  /**
   * The tree that vectors hold, as views of them.
   *
   * @param packed One vector a group.
   * @returns A tree of the packing's structure.
   */
  unpack(packed: PackedParams): Params {
    const leaves = new Map(
      [...this.#groups].flatMap(([group, { paths, shapes }]) =>
        unpack(packed[group], shapes, { align: ALIGNMENT }).map((t, i) => [paths[i], t] as const)
      ),
    );
    return treeWithLeaves<Tensor, Tensor>(this.#tree, treeEntries(this.#tree).map(([path]) => leaves.get(path)!));
  }

  /** The names of the groups. */
  get groups(): readonly string[] {
    return [...this.#groups.keys()];
  }

  /**
   * The elements of a group's vector without the zeros between the parameters, as files hold them.
   *
   * @param group The group's name.
   * @param elements What a vector of that group holds: parameters, moments, an average.
   * @returns As many elements as the parameters have together.
   * @throws {RangeError} If there is no such group, or the vector is not as long as its parameters' is.
   */
  dense(group: string, elements: Float32Array): Float32Array {
    const { sizes, starts, dense, total } = this.#layout(group);
    checkLength(group, elements, total);
    const result = new Float32Array(dense);
    let end = 0;
    for (const [i, size] of sizes.entries()) {
      result.set(elements.subarray(starts[i], starts[i] + size), end);
      end += size;
    }
    return result;
  }

  /**
   * The elements of a group's vector, given without the zeros between the parameters.
   *
   * @param group The group's name.
   * @param elements As many as the parameters have together.
   * @returns What {@linkcode Packing.dense} turns into these elements.
   * @throws {RangeError} If there is no such group, or there are more or fewer elements.
   */
  spread(group: string, elements: Float32Array): Float32Array {
    const { sizes, starts, dense, total } = this.#layout(group);
    checkLength(group, elements, dense);
    const result = new Float32Array(total);
    let end = 0;
    for (const [i, size] of sizes.entries()) result.set(elements.subarray(end, end += size), starts[i]);
    return result;
  }

  #layout(group: string): { sizes: number[]; starts: readonly number[]; dense: number; total: number } {
    const known = this.#groups.get(group);
    if (!known) throw new RangeError(`There is no group "${group}", expected one of ${this.groups.join(", ")}`);
    const sizes = known.shapes.map((shape) => shape.reduce((n, d) => n * d, 1));
    return { sizes, ...packedStarts(sizes, { align: ALIGNMENT }), dense: sizes.reduce((n, size) => n + size, 0) };
  }
}

function checkLength(group: string, { length }: Float32Array, expected: number): void {
  if (length !== expected) {
    throw new RangeError(`The vector of group "${group}" has ${length} elements, expected ${expected}`);
  }
}
