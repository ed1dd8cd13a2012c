/** Elementary functions of four lanes of f32, without tables: pure SIMD. */
import type { WasmTarget } from "./kernel.ts";
import { WasmFunction } from "./function.ts";
import { exponential, logarithm } from "./math_exponential.ts";
import { power } from "./math_power.ts";
import { sine } from "./math_trigonometric.ts";

/** The functions there are. */
export type MathName = "exp" | "log" | "sin" | "cos" | "pow";

const functions = new Map<string, WasmFunction>();

/**
 * An elementary function: of one v128, `pow` of two (base and exponent), to a v128. Results are within 2 ulp, those of
 * sine and cosine within 1e-7 up to 1e4; special values are as IEEE 754 has them. A result that is denormal may be zero.
 *
 * @param name Which; `pow` is NaN for a negative base, unless the exponent is zero.
 * @param target What the machine can do; only `relaxed` counts.
 * @returns The same function for the same arguments, so that modules hold it once.
 *
 * @example The exponential of a vector in memory
 * ```ts
 * import { buildModule, control, i32, math, v128, WasmFunction } from "@dipp/kernels/wasm";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const f = new WasmFunction("f");
 * const exp = math("exp", { relaxed: false, threads: 1 });
 * f.body = v128.store(i32.const(0), control.call(exp, v128.load(i32.const(0))));
 * const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
 * const bytes = buildModule({ exports: [f], memory: { minimum: 1, maximum: 1, shared: false } });
 * const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
 * const data = new Float32Array(memory.buffer, 0, 4);
 * data.set([0, 1, -1, 10]);
 * (exports.f as () => void)();
 * assertAlmostEquals(data[1], Math.E, 1e-6);
 * ```
 */
export function math(name: MathName, { relaxed }: WasmTarget): WasmFunction {
  const key = `${name}${relaxed ? "_relaxed" : ""}`;
  const known = functions.get(key);
  if (known) return known;
  const f = new WasmFunction(key, "v128");
  const x = f.parameter("v128");
  const y = name === "pow" ? f.parameter("v128") : x;
  f.body = name === "exp"
    ? exponential(f, relaxed)(x.get)
    : name === "log"
    ? logarithm(f, relaxed, x.get)
    : name === "pow"
    ? power(f, relaxed, x.get, y.get)
    : sine(f, relaxed, x.get, name === "sin" ? 0 : 1);
  functions.set(key, f);
  return f;
}
