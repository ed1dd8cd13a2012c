/** Products, convolutions and attentions of a graph as WebAssembly kernels. */
import {
  type Code,
  i32,
  type StorageType,
  wasmAttentionForward,
  wasmAttentionKeyGrad,
  type WasmAttentionOperand,
  wasmAttentionQueryGrad,
  wasmConv2d,
  type WasmKernel,
  wasmMatmul,
  type WasmOutput,
  type WasmTarget,
} from "@dipp/kernels/wasm";
import type { AttentionPrimitive, ConvPrimitive } from "../../primitive.ts";
import type { Tensor } from "../../tensor.ts";
import { contiguousBase, matrixAddress } from "../group.ts";
import type { Index } from "../index_expression.ts";
import type { PlannedRange } from "./range.ts";
import type { WasmScope } from "./scope.ts";

/** A contraction and what it is part of. */
export interface ContractionSpec {
  /** The product, convolution or attention. */
  readonly node: Tensor;
  /** Which tensors lie in buffers. */
  stored(t: Tensor): boolean;
  /** The kernel's buffers. */
  readonly scope: WasmScope;
  /** What the machine can do. */
  readonly target: WasmTarget;
  /** Finishes the result; undefined where that goes into its buffer as it is. */
  readonly finish: PlannedRange | undefined;
}

/** A contraction that is written when it is needed. */
export interface PlannedContraction {
  /** Equal for contractions that do the same. */
  readonly key: string;
  /** Writes the kernel. */
  write(): WasmKernel;
}

function outputOf({ scope, finish }: ContractionSpec): WasmOutput {
  return finish ? { finish: finish.write() } : { buffer: scope.output };
}

/** A matrix operand's place, as a key. */
function addressKey(buffer: number, { base, batch, row, column }: MatrixAddress): string {
  return `${buffer},${base.dtype},${batch.key},${row},${column}`;
}

type MatrixAddress = NonNullable<ReturnType<typeof matrixAddress>>;

/** Code (i32) of an index in the variable `z`. */
function indexOfMatrix(index: Index, z: Code): Code {
  const terms = index.terms.map(([atom, c]) => {
    const value: Code = atom.kind === "variable"
      ? z
      : (atom.kind === "div" ? i32.divU : i32.remU)(indexOfMatrix(atom.of, z), i32.const(atom.by));
    return c === 1 ? value : i32.mul(value, i32.const(c));
  });
  if (index.offset !== 0 || terms.length === 0) terms.push(i32.const(index.offset));
  return terms.reduce((a, b) => i32.add(a, b));
}

function storageOf({ dtype }: Tensor): StorageType {
  return dtype === "f16" || dtype === "bf16" ? dtype : "f32";
}

/** A batched matrix product. */
export function planMatmul(spec: ContractionSpec): PlannedContraction {
  const { node, stored, scope, target, finish } = spec;
  const [m, k] = node.inputs[0].shape.slice(-2);
  const n = node.shape[node.ndim - 1];
  const batch = node.size / (m * n);
  const factors = node.inputs.map((operand) => {
    const address = matrixAddress(operand, stored)!;
    return { address, buffer: scope.read(address.base, "matrix") };
  });
  const keys = factors.map(({ address, buffer }) => addressKey(buffer, address));
  return {
    key: `matmul:${[batch, m, n, k]}:${keys.join(":")}:${finish?.key}`,
    write: () => {
      const [a, b] = factors.map(({ address, buffer }) => ({
        buffer,
        base: (z: Code) => indexOfMatrix(address.batch, z),
        rowStride: address.row,
        colStride: address.column,
        type: storageOf(address.base),
      }));
      return wasmMatmul({ batch, m, n, k, a, b, output: outputOf(spec) }, target);
    },
  };
}

/** A convolution or one of its gradients. */
export function planConv(spec: ContractionSpec): PlannedContraction {
  const { node, stored, scope, target, finish } = spec;
  const { pass, geometry } = node.primitive as ConvPrimitive;
  const [first, second] = node.inputs.map((operand) => {
    const base = contiguousBase(operand, stored, true)!;
    return { buffer: scope.read(base, "window"), type: storageOf(base) };
  });
  return {
    key: `${pass}:${JSON.stringify([geometry, first, second])}:${finish?.key}`,
    write: () => wasmConv2d({ pass, geometry, first, second, output: outputOf(spec) }, target),
  };
}

/** One pass of an attention; the layouts of its results are those that the primitive describes. */
export function planAttention({ node, stored, scope, target }: ContractionSpec): PlannedContraction {
  const { pass, masked, causal, scale } = node.primitive as AttentionPrimitive;
  const keys: string[] = [];
  const view = (tensor: Tensor): WasmAttentionOperand => {
    const address = matrixAddress(tensor, stored, false)!;
    const buffer = scope.read(address.base, "matrix");
    keys.push(addressKey(buffer, address));
    return {
      buffer,
      base: (z) => indexOfMatrix(address.batch, z),
      rowStride: address.row,
      colStride: address.column,
    };
  };
  const [q, k, v] = node.inputs;
  const [batch, heads, rows, width] = q.shape;
  const count = k.shape[2];
  const valueWidth = v.shape[3];
  const mask = masked ? node.inputs[node.inputs.length - 1] : undefined;
  const [queries, keyRows, values] = [q, k, v].map(view);
  const maskView = mask && { ...view(mask), bool: mask.dtype === "bool" };
  const backward = pass === "forward" ? [] : node.inputs.slice(3, 6);
  const gradient = backward.length > 0 ? view(backward[0]) : undefined;
  const [forwardBuffer, deltaBuffer] = backward.slice(1).map((t) => scope.read(contiguousBase(t, stored)!, "matrix"));
  const result = scope.output;

  /** Matrices of `columns` columns by head, as [batch, length, heads, columns] from element `start` on. */
  const byHead = (start: number, length: number, columns: number): WasmAttentionOperand => ({
    buffer: result,
    base: (z) =>
      i32.add(
        i32.const(start),
        i32.mul(
          i32.add(
            i32.mul(i32.divU(z, i32.const(heads)), i32.const(length * heads)),
            i32.remU(z, i32.const(heads)),
          ),
          i32.const(columns),
        ),
      ),
    rowStride: heads * columns,
    colStride: 1,
  });
  const common = {
    batch: batch * heads,
    rows,
    keys: count,
    width,
    valueWidth,
    q: queries,
    k: keyRows,
    v: values,
    mask: maskView,
    causal,
    scale,
    // The forward pass's two numbers for each row, behind its result
    stats: {
      buffer: pass === "forward" ? result : forwardBuffer,
      base: (z: Code) => i32.add(i32.const(batch * heads * rows * valueWidth), i32.mul(z, i32.const(2 * rows))),
      rowStride: 2,
      colStride: 1,
    },
  };
  const sizes = [batch, heads, rows, count, width, valueWidth, causal, scale, mask?.dtype];
  const key = `attention ${pass}:${sizes}:${keys.join(":")}:${forwardBuffer},${deltaBuffer}`;
  if (pass === "forward") {
    const output = byHead(0, rows, valueWidth);
    return { key, write: () => wasmAttentionForward({ ...common, output }, target) };
  }
  const delta = {
    buffer: deltaBuffer,
    base: (z: Code) => i32.mul(z, i32.const(rows)),
    rowStride: 1,
    colStride: 0,
  };
  const both = { ...common, gradient: gradient!, delta };
  if (pass === "queryGrad") {
    const queryGradient = byHead(0, rows, width);
    return { key, write: () => wasmAttentionQueryGrad({ ...both, queryGradient }, target) };
  }
  const keyGradient = byHead(0, count, width);
  const valueGradient = byHead(batch * heads * count * width, count, valueWidth);
  return { key, write: () => wasmAttentionKeyGrad({ ...both, keyGradient, valueGradient }, target) };
}
