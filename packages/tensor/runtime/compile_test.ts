import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { assign, checkpoint, compile, grad, init, key, randn, realize, scalar, type Tensor, tensor } from "../mod.ts";
import { guardDevice } from "../testing_device.ts";

await init();
guardDevice();

Deno.test("a compiled function gives what the function gives, for each signature", async () => {
  const fn = ({ x, s }: { x: Tensor; s: Tensor }) => ({ y: x.mul(s).sum(-1), z: [x.exp()] });
  const compiled = compile(fn);
  for (const shape of [[2, 3], [4, 5], [2, 3]]) {
    const x = tensor(Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => i / 7), shape);
    const inputs = { x, s: scalar(3) };
    const [a, b] = [compiled(inputs), fn(inputs)];
    assertEquals(await a.y.data(), await b.y.data());
    assertEquals(await a.z[0].data(), await b.z[0].data());
  }
});

Deno.test("outputs of earlier calls survive later ones", async () => {
  const double = compile(({ x }: { x: Tensor }) => x.mul(2));
  const first = double({ x: tensor([1, 2]) });
  double({ x: tensor([5, 6]) });
  assertEquals([...await first.data()], [2, 4]);
});

Deno.test("assign() makes old values visible to every read of the step, and swaps", async () => {
  const [a, b] = [await tensor([1, 2]).realize(), await tensor([3, 4]).realize()];
  const step = compile(() => {
    assign(a, b.add(0));
    assign(b, a.mul(1));
    return a.add(b);
  });
  assertEquals([...await step({}).data()], [4, 6]);
  assertEquals([[...await a.data()], [...await b.data()]], [[3, 4], [1, 2]]);
  step({});
  assertEquals([[...await a.data()], [...await b.data()]], [[1, 2], [3, 4]]);
});

Deno.test("a state that a step returns is the one before its update", async () => {
  const state = await tensor([1, 2]).realize();
  const step = compile(({ x }: { x: Tensor }) => (assign(state, x), state));
  assertEquals([...await step({ x: tensor([5, 6]) }).data()], [1, 2]);
  assertEquals([...await state.data()], [5, 6]);
});

Deno.test("a view that was read goes on showing its state", async () => {
  const state = await tensor([1, 2, 3]).realize();
  const tail = state.slice([[1]]);
  assertEquals([...await tail.data()], [2, 3]);
  assign(state, state.mul(10));
  await realize();
  assertEquals([...await tail.data()], [20, 30]);
});

Deno.test("assign() of a transposed self does not overwrite what it still reads", async () => {
  const m = await tensor([[1, 2], [3, 4]]).realize();
  compile(() => (assign(m, m.transpose(0, 1).mul(1)), {}))({});
  assertEquals([...await m.data()], [1, 3, 2, 4]);
});

Deno.test("assign() outside a step takes effect at realize()", async () => {
  const x = await tensor([1]).realize();
  assign(x, x.add(1));
  await realize();
  assertEquals(await x.item(), 2);
});

Deno.test("assign() refuses what is not stored, other shapes, and a second value", async () => {
  const x = await tensor([1, 2]).realize();
  assertThrows(() => assign(x.add(1), x), TypeError, "expected a tensor made from data");
  assertThrows(() => assign(x, tensor([1])), RangeError, "[1]");
  compile(() => {
    assign(x, x.add(1));
    assertThrows(() => assign(x, x.add(2)), TypeError, "twice");
    return {};
  })({});
});

Deno.test("an optimiser with two moments trains in place", async () => {
  const target = tensor([1, -2, 3]);
  const [p, m, v] = [tensor([0, 0, 0]), tensor([0, 0, 0]), tensor([0, 0, 0])];
  await realize(p, m, v);
  const step = compile(({ t }: { t: Tensor }) => {
    const [g] = grad(p.sub(target).square().sum(), [p]);
    const nm = m.mul(0.9).add(g.mul(0.1));
    const nv = v.mul(0.999).add(g.square().mul(0.001));
    const unbias = (x: Tensor, beta: number) => x.div(t.mul(Math.log(beta)).exp().neg().add(1));
    assign(m, nm);
    assign(v, nv);
    assign(p, p.sub(unbias(nm, 0.9).div(unbias(nv, 0.999).sqrt().add(1e-8)).mul(0.1)));
    return {};
  });
  for (let t = 1; t <= 300; t++) step({ t: scalar(t) });
  const reached = await p.data();
  [1, -2, 3].forEach((x, i) => assertAlmostEquals(reached[i], x, 1e-2));
});

Deno.test("random numbers of a step depend on the key alone", async () => {
  const draw = compile(({ k }: { k: Tensor }) => randn(k, [64]));
  const [a, b, c] = [draw({ k: key(1) }), draw({ k: key(2) }), draw({ k: key(1) })];
  assertEquals(await a.data(), await c.data());
  const [x, y] = [await a.data(), await b.data()];
  assertEquals(x.some((v, i) => v === y[i]), false);
});

Deno.test("checkpoint() changes no gradient", async () => {
  const [x, w] = [randn(key(3), [4, 8]), randn(key(4), [8, 8])];
  await realize(x, w);
  const block = (x: Tensor, w: Tensor) => x.matmul(w).tanh().matmul(w);
  const plain = grad(block(x, w).square().sum(), [x, w]);
  const again = grad(checkpoint(block, x, w).square().sum(), [x, w]);
  for (const [a, b] of plain.map((g, i) => [g, again[i]])) assertEquals(await a.data(), await b.data());
});

Deno.test("second derivatives follow from differentiating the gradient graph", async () => {
  const x = tensor([0.5, -1, 2]);
  const [g] = grad(x.pow(3).sum(), [x]);
  const [h] = grad(g.sum(), [x]);
  assertEquals([...await h.data()], [3, -6, 12]);
});
