/** Matrix products for WebAssembly. */
import { codeKey } from "./code_key.ts";
import { i32 } from "./instructions.ts";
import type { WasmKernel, WasmTarget } from "./kernel.ts";
import { blockedProduct } from "./matmul_blocked.ts";
import type { WasmMatmulOperand, WasmMatmulSpec, WasmOutput } from "./matmul_spec.ts";
import { packStrided, type Panels } from "./pack.ts";
import { ELEMENT_BYTES } from "./pack_element.ts";

/**
 * A kernel that multiplies matrices: c[z] = a[z] b[z] for z from 0 to `batch` - 1.
 *
 * Both factors are packed in blocks that stay in the caches. Results are the same, bit for bit, for any number of threads.
 *
 * @param spec Sizes, factors and output.
 * @param target What the runtime can do.
 * @returns Its kernel, of one phase, or two where the sums are long and the product is small.
 * @throws RangeError for a size that is not a positive integer or a stride that is not a non-negative one.
 *
 * @example The product of two square matrices
 * ```ts
 * import { i32, wasmMatmul } from "@dipp/kernels/wasm";
 * import { assertEquals } from "@std/assert";
 *
 * const matrix = (buffer: number) =>
 *   ({ buffer, base: () => i32.const(0), rowStride: 64, colStride: 1, type: "f32" }) as const;
 * const kernel = wasmMatmul(
 *   { batch: 1, m: 64, n: 64, k: 64, a: matrix(0), b: matrix(1), output: { buffer: 2 } },
 *   { relaxed: true, threads: 2 },
 * );
 * assertEquals(kernel.phases.length, 1);
 * ```
 */
export function wasmMatmul(spec: WasmMatmulSpec, target: WasmTarget): WasmKernel {
  for (const name of ["batch", "m", "n", "k"] as const) {
    if (!Number.isInteger(spec[name]) || spec[name] < 1) {
      throw new RangeError(`Size ${name} of a matrix product is ${spec[name]}, expected a positive integer`);
    }
  }
  for (const name of ["a", "b"] as const) {
    for (const stride of ["rowStride", "colStride"] as const) {
      const value = spec[name][stride];
      if (!Number.isInteger(value) || value < 0) {
        throw new RangeError(`${stride} of factor ${name} is ${value}, expected a non-negative integer`);
      }
    }
  }
  const { batch, k, output } = spec;
  // A column is its transpose, row-major: lanes then lie along what is long
  const swap = spec.n === 1 && spec.m > 1;
  const [m, n] = swap ? [spec.n, spec.m] : [spec.m, spec.n];
  const [a, b] = swap ? [transposed(spec.b), transposed(spec.a)] : [spec.a, spec.b];
  const key = `matmul:${[batch, spec.m, spec.n, k]}:${operandKey(spec.a)}:${operandKey(spec.b)}:${outputKey(output)}`;
  return blockedProduct({
    key,
    batch,
    m,
    n,
    k,
    a: panels(a, a.rowStride, a.colStride),
    b: panels(b, b.colStride, b.rowStride),
    output,
  }, target);
}

function transposed(operand: WasmMatmulOperand): WasmMatmulOperand {
  return { ...operand, base: (z) => operand.base(z), rowStride: operand.colStride, colStride: operand.rowStride };
}

/** The panels of an operand with the given strides from lane to lane and term to term. */
export function panels(operand: WasmMatmulOperand, laneStride: number, termStride: number): Panels {
  const { buffer, type } = operand;
  return {
    source: (z, buffers) =>
      i32.add(i32.load(buffers, 4 * buffer), i32.mul(operand.base(z), i32.const(ELEMENT_BYTES[type]))),
    pack: (width, valid) => packStrided(type, laneStride, termStride, width, valid),
  };
}

function operandKey(operand: WasmMatmulOperand): string {
  const { buffer, type, rowStride, colStride } = operand;
  return `${buffer},${type},${rowStride},${colStride},${codeKey(operand.base([]))}`;
}

/** Equal for outputs that do the same. */
export function outputKey(output: WasmOutput): string {
  return "finish" in output ? `${output.finish.name},${codeKey(output.finish.body)}` : `${output.buffer}`;
}
