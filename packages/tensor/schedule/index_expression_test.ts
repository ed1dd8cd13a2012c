import { assert, assertEquals } from "@std/assert";
import { add, constant, div, type Index, mod, ravel, scale, unravel, variable, wgsl } from "./index_expression.ts";

/** Value of an index for given variables, by its definition. */
function evaluate(a: Index, values: Record<string, number>): number {
  return a.terms.reduce((sum, [atom, c]) => {
    if (atom.kind === "variable") return sum + c * values[atom.key];
    const of = evaluate(atom.of, values);
    return sum + c * (atom.kind === "div" ? Math.floor(of / atom.by) : of % atom.by);
  }, a.offset);
}

Deno.test("unravel() then ravel() in one shape is the linear index itself", () => {
  const i = variable("i", 2 * 3 * 5 * 7);
  assertEquals(ravel(unravel(i, [2, 3, 5, 7]), [2, 3, 5, 7]).key, i.key);
  assertEquals(ravel(unravel(i, [6, 35]), [6, 35]).key, i.key);
});

Deno.test("a reshape there and back leaves no division", () => {
  const i = variable("i", 24);
  const there = ravel(unravel(i, [4, 6]), [4, 6]);
  assertEquals(wgsl(ravel(unravel(there, [2, 3, 4]), [2, 3, 4])), "i");
});

Deno.test("splitting an axis of a strided address divides nothing twice", () => {
  const [b, n] = [variable("b", 8), variable("n", 6)];
  const flat = add(scale(b, 6), n);
  assertEquals(div(flat, 6).key, b.key);
  assertEquals(mod(flat, 6).key, n.key);
});

Deno.test("merging axes of a matrix row divides nothing", () => {
  const [row, col] = [variable("row", 2048), variable("col", 768)];
  const linear = ravel([row, col], [2048, 768]);
  assertEquals(ravel(unravel(linear, [32, 64, 768]), [32, 64, 768]).key, linear.key);
});

Deno.test("simplified indices equal their definition on random expressions", () => {
  let state = 12345;
  const random = (n: number) => (state = (state * 1103515245 + 12345) % 2 ** 31, Math.floor(state / 65536) % n);
  for (let trial = 0; trial < 400; trial++) {
    const sizes = { x: 1 + random(7), y: 1 + random(9), z: 1 + random(5) };
    const vars = Object.entries(sizes).map(([name, size]) => variable(name, size));
    const values = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, random(size)]));
    let index: Index = constant(random(4));
    let expected = index.offset;
    for (let k = 0; k < 8; k++) {
      const [v, c] = [random(3), 1 + random(12)];
      const name = ["x", "y", "z"][v];
      switch (random(4)) {
        case 0:
          index = add(index, scale(vars[v], c));
          expected += c * values[name];
          break;
        case 1:
          index = scale(index, c);
          expected *= c;
          break;
        case 2:
          index = div(index, c);
          expected = Math.floor(expected / c);
          break;
        default:
          index = mod(index, c);
          expected %= c;
      }
      assertEquals(evaluate(index, values), expected);
      assert(index.min <= expected && expected <= index.max);
    }
  }
});

Deno.test("random chains of reshapes address the right element", () => {
  const shapes = [[24], [2, 12], [3, 8], [4, 6], [2, 3, 4], [4, 3, 2], [6, 4], [2, 2, 6], [1, 24], [8, 3]];
  let state = 7;
  const random = (n: number) => (state = (state * 48271) % 2147483647) % n;
  for (let trial = 0; trial < 100; trial++) {
    let coords = unravel(variable("i", 24), [24]);
    let shape = [24];
    for (let k = 0; k < 5; k++) {
      const next = shapes[random(shapes.length)];
      coords = unravel(ravel(coords, shape), next);
      shape = next;
      if (random(2) && shape.length > 1) {
        // A permuted view read through the next reshape is no longer the identity
        coords = coords.toReversed();
        shape = shape.toReversed();
      }
    }
    const linear = ravel(coords, shape);
    const seen = new Set(Array.from({ length: 24 }, (_, i) => evaluate(linear, { i })));
    assertEquals(seen.size, 24);
    assertEquals([...seen].sort((a, b) => a - b), Array.from({ length: 24 }, (_, i) => i));
  }
});
