import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, signed, unsigned } from "./leb128.ts";
import { buildModule, control, f32, f32x4, forEach, i32, i32x4, v128, type ValueType, WasmFunction } from "./mod.ts";
import type { Code } from "./mod.ts";

/** Runs a function of no arguments, once. */
function evaluate(result: ValueType, body: (f: WasmFunction) => Code): number {
  const f = new WasmFunction("f", result);
  f.body = body(f);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const bytes = buildModule({ exports: [f], memory: { minimum: 1, maximum: 1, shared: false } });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return (exports.f as () => number)();
}

Deno.test("unsigned() and signed() write numbers as the specification's examples do", () => {
  assertEquals(unsigned(624485), [0xe5, 0x8e, 0x26]);
  assertEquals(signed(-123456), [0xc0, 0xbb, 0x78]);
  assertEquals(signed(64), [0xc0, 0]);
  assertEquals(signed(-64), [0x40]);
  assertEquals(float32(1), [0, 0, 0x80, 0x3f]);
});

Deno.test("i32 operations are those of 32-bit integers", () => {
  const c = i32.const;
  const cases: [Code, number][] = [
    [i32.add(c(2 ** 31), c(2 ** 31)), 0],
    [i32.shrU(c(-1), c(28)), 15],
    [i32.shrS(c(-16), c(2)), -4],
    [i32.remU(c(17), c(5)), 2],
    [i32.divS(c(-17), c(5)), -3],
    [i32.ltU(c(1), c(-1)), 1],
    [i32.ltS(c(1), c(-1)), 0],
    [i32.truncSatF32S(f32.const(-2.5)), -2],
    [i32.truncSatF32U(f32.const(-2.5)), 0],
    [i32.reinterpretF32(f32.const(1)), 0x3f800000],
    [control.select(c(0), c(1), c(2)), 2],
  ];
  for (const [code, expected] of cases) assertEquals(evaluate("i32", () => code), expected);
});

Deno.test("vector operations work lane by lane", () => {
  const four = (...x: number[]) =>
    x.reduce<Code>((v, value, lane) => f32x4.replaceLane(v, lane, f32.const(value)), f32x4.splat(f32.const(0)));
  const lanes = (vector: Code) => [0, 1, 2, 3].map((lane) => evaluate("f32", () => f32.extractLane(vector, lane)));
  const [x, y] = [four(1.5, -2.5, 3, 0), four(2, 3, -4, 0.5)];
  assertEquals(lanes(f32x4.mul(x, y)), [3, -7.5, -12, 0]);
  assertEquals(lanes(f32x4.nearest(x)), [2, -2, 3, 0]);
  assertEquals(lanes(f32x4.pmax(x, y)), [2, 3, 3, 0.5]);
  assertEquals(lanes(f32x4.pmin(x, y)), [1.5, -2.5, -4, 0]);
  assertEquals(lanes(v128.bitselect(x, y, f32x4.lt(x, y))), [1.5, -2.5, -4, 0]);
  assertEquals(lanes(f32x4.convertI32x4S(i32x4.truncSatF32x4S(x))), [1, -2, 3, 0]);
  assertEquals(lanes(f32x4.relaxedMadd(x, y, y)), [5, -4.5, -16, 0.5]);
  assertEquals(lanes(v128.shuffle(x, y, [12, 13, 14, 15, 16, 17, 18, 19, 0, 1, 2, 3, 20, 21, 22, 23])), [0, 2, 1.5, 3]);
});

Deno.test("forEach() counts, and does nothing where there is nothing to count", () => {
  const sum = (from: number, to: number, step: number) =>
    evaluate("i32", (f) => {
      const [i, total] = f.locals("i32", 2);
      return [forEach(i, i32.const(from), i32.const(to), step, total.set(i32.add(total.get, i.get))), total.get];
    });
  assertEquals(sum(0, 10, 1), 45);
  assertEquals(sum(0, 10, 4), 12);
  assertEquals(sum(3, 3, 1), 0);
});

Deno.test("buildModule() brings along what is called, and memory holds what is stored", () => {
  const half = new WasmFunction("half", "f32");
  const x = half.parameter("f32");
  half.body = f32.mul(x.get, f32.const(0.5));
  const result = evaluate("f32", () => [
    v128.store(i32.const(16), f32x4.splat(f32.const(3))),
    v128.store32Lane(i32.const(20), f32x4.splat(f32.const(8)), 0),
    f32.add(control.call(half, f32.load(i32.const(16), 4)), f32.load(i32.const(24))),
  ]);
  assertAlmostEquals(result, 7);
});

Deno.test("a function refuses a parameter after its first variable", () => {
  const f = new WasmFunction("f");
  f.local("i32");
  assertThrows(() => f.parameter("i32"), TypeError, "before its variables");
});
