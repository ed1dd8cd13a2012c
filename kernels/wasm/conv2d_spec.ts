/** What a convolution's kernel for WebAssembly is made of. */
import type { ConvGeometry } from "../conv2d_spec.ts";
import type { StorageType, WasmOutput } from "./matmul_spec.ts";

/** A contiguous array that a convolution reads. */
export interface WasmConvOperand {
  /** Position of its buffer in the kernel's list of buffers. */
  readonly buffer: number;
  /** How its elements are stored. */
  readonly type: StorageType;
}

/** What a convolution kernel is made of. */
export interface WasmConvSpec {
  /** Which of the convolution and its two gradients to compute. */
  readonly pass: "forward" | "inputGrad" | "weightGrad";
  /** Sizes and settings of the forward convolution. */
  readonly geometry: ConvGeometry;
  /** Input for the forward and the weight gradient pass; gradient of the output for the input gradient pass. */
  readonly first: WasmConvOperand;
  /** Weight for the forward and the input gradient pass; gradient of the output for the weight gradient pass. */
  readonly second: WasmConvOperand;
  /**
   * Where the result goes, as a row-major array of its own shape: [N, O, oH, oW], [N, C, H, W] or [O, C / groups, kH, kW].
   * Rows in the sense of `finish` are channels; for the weight gradient, output channels.
   */
  readonly output: WasmOutput;
}
