/**
 * Trees: values nested in arrays and plain objects, as parameters, optimiser
 * states and the inputs of a compiled step are.
 *
 * A leaf is anything that is neither an array nor a plain object. Its path is
 * the keys on the way to it, joined by dots, as in the names of checkpoints:
 * `"blocks.0.attn.weight"`. Leaves are ordered as the keys were inserted.
 *
 * @module
 */

/** Values of type T nested in arrays and plain objects. */
export type Tree<T> =
  | T
  | readonly Tree<T>[]
  | { readonly [key: string]: Tree<T> };

/**
 * Applies a function to every leaf.
 *
 * @param tree The tree.
 * @param fn Gets a leaf and its path.
 * @returns A tree of the same structure with what fn returned.
 *
 * @example Usage
 * ```ts
 * import { treeMap } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const shapes = treeMap({ w: [1, 2], b: 3 }, (leaf, path) => `${path}:${leaf}`);
 * assertEquals(shapes, { w: ["w.0:1", "w.1:2"], b: "b:3" });
 * ```
 */
export function treeMap<T, U>(
  tree: Tree<T>,
  fn: (leaf: T, path: string) => U,
): Tree<U> {
  return mapNode(tree, fn, "");
}

/**
 * Lists the leaves.
 *
 * @param tree The tree.
 * @returns The leaves, in order.
 *
 * @example Usage
 * ```ts
 * import { treeLeaves } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(treeLeaves({ w: [1, 2], b: 3 }), [1, 2, 3]);
 * ```
 */
export function treeLeaves<T>(tree: Tree<T>): T[] {
  return treeEntries(tree).map(([, leaf]) => leaf);
}

/**
 * Lists the leaves with their paths.
 *
 * @param tree The tree.
 * @returns Pairs of path and leaf, in order. A tree that is one leaf has the
 *   path `""`.
 *
 * @example Usage
 * ```ts
 * import { treeEntries } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(treeEntries({ w: [1], b: 3 }), [["w.0", 1], ["b", 3]]);
 * ```
 */
export function treeEntries<T>(tree: Tree<T>): [path: string, leaf: T][] {
  const entries: [string, T][] = [];
  mapNode(tree, (leaf: T, path) => entries.push([path, leaf]), "");
  return entries;
}

/**
 * Builds the tree of paths and leaves. A node whose keys are 0, 1, ..., n - 1
 * becomes an array; with gaps, as in `"net.0"`, `"net.2"`, it stays an object.
 *
 * @param entries Pairs of path and leaf.
 * @returns The tree; an empty object if there are no entries.
 * @throws {TypeError} If a path occurs twice, or goes on below a leaf.
 *
 * @example Usage
 * ```ts
 * import { treeFromEntries } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(treeFromEntries([["w.0", 1], ["b", 3]]), { w: [1], b: 3 });
 * ```
 */
export function treeFromEntries<T>(
  entries: Iterable<readonly [path: string, leaf: T]>,
): Tree<T> {
  const root: Branch<T> = new Map();
  for (const [path, leaf] of entries) {
    const keys = path.split(".");
    const last = keys.pop()!;
    let node = root;
    for (const key of keys) {
      const child = node.get(key) ?? new Map();
      if (!(child instanceof Map)) throw conflict(path);
      node.set(key, child);
      node = child;
    }
    if (node.has(last)) throw conflict(path);
    node.set(last, { leaf });
  }
  const single = root.get("");
  if (root.size === 1 && single && !(single instanceof Map)) return single.leaf;
  return fromBranch(root);
}

/**
 * Puts other leaves into the structure of a tree.
 *
 * @param tree Gives the structure.
 * @param leaves As many leaves as the tree has, in its order.
 * @returns The new tree.
 * @throws {RangeError} If the number of leaves differs.
 *
 * @example Usage
 * ```ts
 * import { treeWithLeaves } from "./tree.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const tree = { w: [1, 2], b: 3 };
 * assertEquals(treeWithLeaves(tree, ["x", "y", "z"]), { w: ["x", "y"], b: "z" });
 * ```
 */
export function treeWithLeaves<T, U>(
  tree: Tree<T>,
  leaves: readonly U[],
): Tree<U> {
  let used = 0;
  const result = mapNode(tree, () => leaves[used++], "");
  if (used !== leaves.length) {
    throw new RangeError(
      `Got ${leaves.length} leaves for a tree with ${used}`,
    );
  }
  return result;
}

/** A node under construction. Leaves are wrapped, for a leaf may be a Map. */
type Branch<T> = Map<string, Branch<T> | { leaf: T }>;

function mapNode<T, U>(
  node: Tree<T>,
  fn: (leaf: T, path: string) => U,
  path: string,
): Tree<U> {
  const below = (key: string | number) => path === "" ? `${key}` : `${path}.${key}`;
  if (Array.isArray(node)) {
    return node.map((child: Tree<T>, i) => mapNode(child, fn, below(i)));
  }
  if (isPlainObject<T>(node)) {
    return Object.fromEntries(
      Object.entries(node).map(([key, child]) => [
        key,
        mapNode(child, fn, below(key)),
      ]),
    );
  }
  return fn(node as T, path);
}

function isPlainObject<T>(
  node: Tree<T>,
): node is { readonly [key: string]: Tree<T> } {
  if (typeof node !== "object" || node === null) return false;
  const prototype = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === null;
}

function fromBranch<T>(branch: Branch<T>): Tree<T> {
  const entries = [...branch].map(([key, child]): [string, Tree<T>] => [
    key,
    child instanceof Map ? fromBranch(child) : child.leaf,
  ]);
  const isArray = entries.length > 0 &&
    entries.every((_, i) => branch.has(`${i}`));
  if (!isArray) return Object.fromEntries(entries);
  const items: Tree<T>[] = [];
  for (const [key, child] of entries) items[Number(key)] = child;
  return items;
}

function conflict(path: string): TypeError {
  return new TypeError(
    `Path "${path}" is already taken, or goes on below a leaf`,
  );
}
