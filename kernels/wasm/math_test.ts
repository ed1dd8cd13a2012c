import { assert, assertEquals } from "@std/assert";
import { buildModule, control, forEach, i32, math, type MathName, v128, WasmFunction } from "./mod.ts";

/** Applies a function to many numbers. */
function evaluate(name: MathName, relaxed: boolean, x: Float32Array, y: Float32Array = x): Float32Array {
  const callee = math(name, { relaxed, threads: 1 });
  const f = new WasmFunction("f");
  const end = f.parameter("i32");
  const i = f.local("i32");
  const operands = callee.parameters.map((_, n) => v128.load(i.get, n * x.byteLength));
  f.body = forEach(
    i,
    i32.const(0),
    end.get,
    16,
    v128.store(i.get, control.call(callee, ...operands), 2 * x.byteLength),
  );
  const pages = Math.ceil((3 * x.byteLength + 16) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const bytes = buildModule({ exports: [f], memory: { minimum: pages, maximum: pages, shared: false } });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const data = new Float32Array(memory.buffer);
  data.set(x);
  data.set(y, x.length);
  (exports.f as (end: number) => void)(x.byteLength);
  return data.slice(2 * x.length, 3 * x.length);
}

/** Error in units of the last place of the exact result; what is denormal may be zero. */
function ulps(actual: number, exact: number): number {
  if (Math.fround(exact) === actual || Number.isNaN(exact) && Number.isNaN(actual)) return 0;
  if (Math.abs(exact) < 2 ** -126 && actual === 0) return 0;
  if (Number.isNaN(actual) || !Number.isFinite(actual)) return Infinity;
  return Math.abs(actual - exact) / 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(exact)))) - 23);
}

function worst(actual: Float32Array, exact: (i: number) => number, absolute = 0): [number, number] {
  let result: [number, number] = [0, 0];
  actual.forEach((value, i) => {
    const e = exact(i);
    const error = Math.abs(value - e) <= absolute ? 0 : ulps(value, e);
    if (error > result[0]) result = [error, i];
  });
  return result;
}

const COUNT = 1 << 18;
const between = (low: number, high: number) =>
  Float32Array.from({ length: COUNT }, (_, i) => low + (high - low) * (i + 0.37) / COUNT);
/** Floats of every size, by their bits. */
const bits = (low: number, high: number) =>
  new Float32Array(Uint32Array.from({ length: COUNT }, (_, i) => low + (high - low) * (i / COUNT)).buffer);
const specials = (name: MathName, relaxed: boolean, x: number[], y: number[] = x) => {
  const fill = (values: number[]) =>
    Float32Array.from({ length: Math.ceil(x.length / 4) * 4 }, (_, i) => values[i] ?? 1);
  return [...evaluate(name, relaxed, fill(x), fill(y)).subarray(0, x.length)];
};

for (const relaxed of [false, true]) {
  const label = relaxed ? "relaxed" : "plain";
  const check = (name: MathName, x: Float32Array, exact: (x: number) => number, limit: number, absolute = 0) => {
    const [error, i] = worst(evaluate(name, relaxed, x), (i) => exact(x[i]), absolute);
    assert(error <= limit, `${name}(${x[i]}) is off by ${error} ulp`);
  };

  Deno.test(`exp() is within 2 ulp over its range, ${label}`, () => {
    check("exp", between(-104, 89), Math.exp, 2);
    check("exp", between(-87.4, -87.2), Math.exp, 2);
    check("exp", between(88.7, 88.73), Math.exp, 2);
    check("exp", bits(0, 0x42b20000), Math.exp, 2);
    check("exp", bits(0x80000000, 0xc2d00000), Math.exp, 2);
    assertEquals(
      specials("exp", relaxed, [0, -0, -Infinity, Infinity, NaN, 89, 1e30, -1e30, -3e38]),
      [1, 1, 0, Infinity, NaN, Infinity, Infinity, 0, 0],
    );
  });

  Deno.test(`log() is within 2 ulp over its range, ${label}`, () => {
    check("log", bits(1, 0x7f7fffff), Math.log, 2);
    check("log", bits(1, 0x00900000), Math.log, 2);
    check("log", between(0.5, 2), Math.log, 2);
    assertEquals(
      specials("log", relaxed, [1, 0, -0, -1, -Infinity, Infinity, NaN]),
      [0, -Infinity, -Infinity, NaN, NaN, Infinity, NaN],
    );
  });

  Deno.test(`sin() and cos() are within 2 ulp or 1e-7 up to 1e4, and never NaN beyond, ${label}`, () => {
    for (const [name, exact] of [["sin", Math.sin], ["cos", Math.cos]] as const) {
      check(name, between(-1e4, 1e4), exact, 2, 1e-7);
      check(name, between(-8, 8), exact, 2, 1e-7);
      check(name, bits(0, 0x461c4000), exact, 2, 1e-7);
      check(name, between(-1e6, 1e6), exact, 2, 1e-7);
      assertEquals(specials(name, relaxed, [Infinity, -Infinity, NaN]), [NaN, NaN, NaN]);
      assert(evaluate(name, relaxed, bits(0x49000000, 0x7f7fffff)).every((value) => Math.abs(value) <= 1));
    }
  });

  Deno.test(`pow() is within 2 ulp, large results too, ${label}`, () => {
    const random = (seed: number) => (i: number) => (Math.sin(i * 12.9898 + seed) * 43758.5453) % 1;
    for (const [base, exponent] of [[4, 30], [60, 2], [120, 1.3], [0.01, 9000], [140, 0.02]]) {
      const x = Float32Array.from({ length: COUNT }, (_, i) => 2 ** (base * random(1)(i)));
      const y = Float32Array.from({ length: COUNT }, (_, i) => exponent * random(2)(i));
      const [error, i] = worst(evaluate("pow", relaxed, x, y), (i) => x[i] ** y[i]);
      assert(error <= 2, `pow(${x[i]}, ${y[i]}) is off by ${error} ulp`);
    }
    const cases: [number, number, number][] = [
      [0, 0, 1],
      [0, 2, 0],
      [0, -2, Infinity],
      [5, 0, 1],
      [NaN, 0, 1],
      [1, NaN, 1],
      [1, Infinity, 1],
      [Infinity, 2, Infinity],
      [Infinity, -2, 0],
      [Infinity, 0, 1],
      [2, Infinity, Infinity],
      [0.5, Infinity, 0],
      [2, -Infinity, 0],
      [0.5, -Infinity, Infinity],
      [NaN, 1, NaN],
      [2, NaN, NaN],
      [-2, 2.5, NaN],
      [10, 38, 1e38],
      [10, 39, Infinity],
      [10, -60, 0],
      [2, 127, 2 ** 127],
    ];
    assertEquals(
      specials("pow", relaxed, cases.map(([x]) => x), cases.map(([, y]) => y)),
      cases.map(([, , z]) => Math.fround(z)),
    );
  });
}

Deno.test("math() gives one function for a name and a machine", () => {
  assert(math("exp", { relaxed: true, threads: 1 }) === math("exp", { relaxed: true, threads: 2 }));
  assert(math("exp", { relaxed: true, threads: 1 }) !== math("exp", { relaxed: false, threads: 1 }));
});
