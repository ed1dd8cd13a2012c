/**
 * WebAssembly kernels: an assembler for functions of 32-bit numbers and vectors, and kernels as pure functions, a spec in,
 * code out.
 *
 * @example Four products at once
 * ```ts
 * import { buildModule, f32x4, i32, v128, WasmFunction } from "@dipp/kernels/wasm";
 * import { assertEquals } from "@std/assert";
 *
 * const square = new WasmFunction("square");
 * const at = square.parameter("i32");
 * const x = square.local("v128");
 * square.body = [x.set(v128.load(at.get)), v128.store(at.get, f32x4.mul(x.get, x.get))];
 * const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
 * const spec = { exports: [square], memory: { minimum: 1, maximum: 1, shared: false } };
 * const { exports } = new WebAssembly.Instance(new WebAssembly.Module(buildModule(spec)), { env: { memory } });
 * const data = new Float32Array(memory.buffer, 0, 4);
 * data.set([1, 2, 3, 4]);
 * (exports.square as (at: number) => void)(0);
 * assertEquals([...data], [1, 4, 9, 16]);
 * ```
 *
 * @module
 */
export type { Binary, ExtractLane, Load, ReplaceLane, Store, Ternary, Unary } from "./instructions.ts";
export {
  type CallTarget,
  type Code,
  control,
  f32,
  f32x4,
  forEach,
  i16x8,
  i32,
  i32x4,
  i64,
  v128,
} from "./instructions.ts";
export { Local, type ValueType, WasmFunction } from "./function.ts";
export { buildModule, type ModuleSpec } from "./module.ts";
export type { WasmKernel, WasmPhase, WasmTarget } from "./kernel.ts";
export { codeKey, functionKey } from "./code_key.ts";
export { gemmTile, multiplyAdd, TILE_COLUMNS, TILE_ROWS } from "./gemm.ts";
export { wasmMatmul } from "./matmul.ts";
export type { StorageType, WasmMatmulOperand, WasmMatmulSpec, WasmOutput } from "./matmul_spec.ts";
export { wasmConv2d } from "./conv2d.ts";
export type { WasmConvOperand, WasmConvSpec } from "./conv2d_spec.ts";
export type { ConvGeometry } from "../conv2d_spec.ts";
export { math, type MathName } from "./math.ts";
export { exponential } from "./math_exponential.ts";
export { wasmAttentionForward } from "./attention_forward.ts";
export { wasmAttentionKeyGrad, wasmAttentionQueryGrad } from "./attention_backward.ts";
export type {
  WasmAttentionBackwardSpec,
  WasmAttentionForwardSpec,
  WasmAttentionKeyGradSpec,
  WasmAttentionOperand,
  WasmAttentionQueryGradSpec,
  WasmAttentionSpec,
} from "./attention.ts";
