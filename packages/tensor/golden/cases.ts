// Reads the reference cases of single ops, testdata/ops.

import { type Range, type Tensor, tensor, type TypedArray } from "../mod.ts";

/** What is done to a stored tensor before the op sees it. */
export type ViewStep =
  | { readonly permute: number[] }
  | { readonly slice: Range[] }
  | { readonly expand: number[] };

/** One stored operand. */
export interface GoldenInput {
  readonly key: string;
  readonly view?: readonly ViewStep[];
}

/** One stored output. */
export interface GoldenOutput {
  readonly key: string;
  readonly shape: readonly number[];
  readonly dtype: "F32" | "I32" | "BOOL";
}

/** Settings of an op, as the manifest has them. */
export type Attributes = Readonly<Record<string, unknown>>;

/** One case of the manifest. */
export interface GoldenOpCase {
  readonly id: string;
  readonly group: string;
  readonly file: string;
  readonly op: string;
  readonly attrs: Attributes;
  readonly inputs: Readonly<Record<string, GoldenInput>>;
  readonly outputs: readonly GoldenOutput[];
  readonly cotangents?: readonly (string | null)[];
  /** Keys of the gradients, by input. */
  readonly grads: Readonly<Record<string, string>>;
  readonly tolerance: { readonly rel: number; readonly rel_grad: number | null };
}

const ROOT = new URL("../../../testdata/ops/", import.meta.url);

/** Every case there is. */
export function readCases(): GoldenOpCase[] {
  const text = Deno.readTextFileSync(new URL("manifest.json", ROOT));
  return (JSON.parse(text) as { cases: GoldenOpCase[] }).cases;
}

/** A stored array and its shape. */
export interface Stored {
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

interface Header {
  readonly dtype: string;
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

/** Reads a safetensors file of F32, I32 and BOOL tensors. */
export function readFile(name: string): Map<string, Stored> {
  const { buffer } = Deno.readFileSync(new URL(name, ROOT));
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const text = new TextDecoder().decode(new Uint8Array(buffer, 8, length));
  const header = JSON.parse(text) as Record<string, Header>;
  const tensors = new Map<string, Stored>();
  for (const [key, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (key === "__metadata__") continue;
    const [from, to] = data_offsets.map((offset) => 8 + length + offset);
    tensors.set(key, { shape, data: typed(dtype, buffer.slice(from, to)) });
  }
  return tensors;
}

function typed(dtype: string, bytes: ArrayBuffer): TypedArray {
  if (dtype === "F32") return new Float32Array(bytes);
  if (dtype === "I32") return new Int32Array(bytes);
  if (dtype === "BOOL") return new Uint8Array(bytes);
  throw new TypeError(`Cannot read dtype ${dtype}: expected F32, I32 or BOOL`);
}

/** A stored array as a tensor. */
export function load({ data, shape }: Stored): Tensor {
  return tensor(data, shape);
}

/** The operand that the op sees: the stored tensor through its view. */
export function applyView(
  stored: Tensor,
  view: readonly ViewStep[] = [],
): Tensor {
  return view.reduce((x, step) => {
    if ("permute" in step) return x.permute(step.permute);
    if ("slice" in step) return x.slice(step.slice);
    return x.expand(step.expand);
  }, stored);
}
