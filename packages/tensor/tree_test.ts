import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Tree, treeEntries, treeFromEntries, treeLeaves, treeMap, treeWithLeaves } from "./tree.ts";

class Leaf {
  readonly items: number[] = [1, 2];
}

Deno.test("treeMap() keeps the structure and passes leaf and path", () => {
  const leaf = new Leaf();
  const tree = { a: [leaf, { b: leaf }], c: {}, d: [] };
  const paths: string[] = [];
  const mapped = treeMap(tree, (l: Leaf, path) => {
    assert(l === leaf);
    paths.push(path);
    return path.length;
  });
  assertEquals(paths, ["a.0", "a.1.b"]);
  assertEquals(mapped, { a: [3, { b: 5 }], c: {}, d: [] });
});

Deno.test("treeMap() takes class instances, typed arrays and null as leaves", () => {
  const leaves = [new Leaf(), new Float32Array(2), null, new Map(), "text"];
  for (const leaf of leaves) {
    assertEquals(treeEntries<unknown>({ x: leaf }), [["x", leaf]]);
    assertEquals(treeEntries<unknown>(leaf), [["", leaf]]);
  }
});

Deno.test("treeMap() infers the leaf type from a typed tree", () => {
  type Params = { layers: { weight: Leaf; bias?: Leaf }[] };
  const params: Params = { layers: [{ weight: new Leaf() }] };
  const sizes: Tree<number> = treeMap(params, (leaf) => leaf.items.length);
  assertEquals(sizes, { layers: [{ weight: 2 }] });
});

Deno.test("treeLeaves() keeps the order of insertion", () => {
  assertEquals(treeLeaves({ b: 1, a: [2, { z: 3, y: 4 }], "0x": 5 }), [
    1,
    2,
    3,
    4,
    5,
  ]);
});

Deno.test("treeFromEntries() undoes treeEntries()", () => {
  const trees: Tree<number>[] = [
    7,
    { a: 1 },
    [1, 2, [3]],
    { blocks: [{ to_out: [{ weight: 1 }], norm: 2 }, { norm: 3 }], out: 4 },
    { net: { "0": 1, "2": 2 } },
    Object.fromEntries([["__proto__", { polluted: 1 }]]),
    [...Array(12).keys()],
  ];
  for (const tree of trees) {
    assertEquals(treeFromEntries(treeEntries(tree)), tree);
  }
  assertEquals(treeFromEntries([["a.1", "y"], ["a.0", "x"]]), {
    a: ["x", "y"],
  });
  assertEquals(treeFromEntries([]), {});
});

Deno.test("treeFromEntries() throws on conflicting paths", () => {
  assertThrows(
    () => treeFromEntries([["a", 1], ["a", 2]]),
    TypeError,
    'Path "a" is already taken',
  );
  assertThrows(() => treeFromEntries([["a", 1], ["a.b", 2]]), TypeError, "a.b");
  assertThrows(() => treeFromEntries([["a.b", 1], ["a", 2]]), TypeError, '"a"');
});

Deno.test("treeWithLeaves() fills the leaves in order, exactly", () => {
  const tree = { w: [1, 2], b: 3 };
  assertEquals(treeWithLeaves(tree, treeLeaves(tree)), tree);
  assertThrows(
    () => treeWithLeaves(tree, [1, 2]),
    RangeError,
    "Got 2 leaves for a tree with 3",
  );
  assertThrows(() => treeWithLeaves(tree, [1, 2, 3, 4]), RangeError);
});
