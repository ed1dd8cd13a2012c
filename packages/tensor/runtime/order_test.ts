/** Work takes effect in the order of the calls, whoever waits for what. */
import { assertEquals, assertThrows } from "@std/assert";
import { assign, compile, init, ones, realize, scalar, type Tensor, tensor } from "../mod.ts";
import { guardDevice } from "../testing_device.ts";

await init();
guardDevice();

Deno.test("what is read or realised before a step shows the state before it, even if it is awaited later", async () => {
  const state = await tensor([1, 2]).realize();
  const step = compile(() => (assign(state, state.mul(10)), {}));
  const expression = state.add(1);
  const read = state.data(), computed = expression.data(), stored = state.mul(2).realize();
  step({});
  const after = state.data();
  step({});
  assertEquals([...await read], [1, 2]);
  assertEquals([...await computed], [2, 3]);
  assertEquals([...await (await stored).data()], [2, 4]);
  assertEquals([...await after], [10, 20]);
  assertEquals([...await state.data()], [100, 200]);
});

Deno.test("an update outside a step happens at realize(), before whatever is called next", async () => {
  const state = await tensor([1]).realize();
  const step = compile(() => (assign(state, state.mul(3)), {}));
  assign(state, state.add(1));
  const updated = realize();
  step({});
  await updated;
  assertEquals(await state.item(), 6);
});

Deno.test("many reads, realisations and steps at once give what they give one by one", async () => {
  const state = await tensor([1, 1, 1]).realize();
  const step = compile(({ by }: { by: Tensor }) => (assign(state, state.mul(by)), { old: state.add(0) }));
  const expected: number[] = [], waiting: Promise<number>[] = [];
  let value = 1;
  for (let i = 0; i < 100; i++) {
    const shared = state.add(scalar(i)).square().sqrt();
    // Two that ask for the same, one that reads the step's output, one that comes after it
    waiting.push(shared.sum().item(), shared.max().item());
    expected.push(3 * (value + i), value + i);
    const by = i % 2 === 0 ? 2 : 0.5;
    const { old } = step({ by: scalar(by) });
    waiting.push(old.sum().item());
    expected.push(3 * value);
    value *= by;
    if (i % 10 === 9) waiting.push(state.sum().item()) && expected.push(3 * value);
  }
  const got = await Promise.all(waiting);
  got.forEach((x, i) => assertEquals(Math.round(x * 1000) / 1000, expected[i], `number ${i}`));
});

Deno.test("a tensor that two realisations ask for at once is computed once", async () => {
  const device = await init();
  const x = ones([8]).exp();
  const before = device.stats().submits;
  await Promise.all([x.realize(), x.realize(), realize(x, x)]);
  assertEquals(device.stats().submits, before + 1);
});

Deno.test("NaN and infinities are told apart by their bits, through uploads, kernels and steps", async () => {
  const values = [NaN, Infinity, -Infinity, 0, -0, 1e38, 1e-40];
  const x = await tensor(values).realize();
  assertEquals([...await x.data()], values.map(Math.fround));
  const step = compile(({ x }: { x: Tensor }) => ({ nan: x.isNaN(), finite: x.isFinite() }));
  for (const [nan, finite] of [[x.isNaN(), x.isFinite()], Object.values(step({ x }))]) {
    assertEquals([...await nan.data()], values.map((v) => Number(Number.isNaN(v))));
    assertEquals([...await finite.data()], values.map((v) => Number(Number.isFinite(v))));
  }
});

Deno.test("data of the wrong length never reaches the device", () => {
  assertThrows(() => tensor(new Float32Array(5), [2, 3]), RangeError, "shape [2, 3] from 5 elements: expected 6");
  assertThrows(() => tensor([[1, 2], [3]]), RangeError, "ragged");
  const array = new Float32Array([1, 2, 3]);
  const x = tensor(array);
  // The caller's array may change, or go away
  array.buffer.transfer();
  const step = compile(({ x }: { x: Tensor }) => x.add(1));
  assertEquals(step({ x }).shape, [3]);
});
