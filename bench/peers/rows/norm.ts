/** Norms. */
import { noise, type Row } from "../row.ts";

/** Group norm of `[B, C, H, W]` with weight and bias, then SiLU. */
export function groupNormSiluRow(shape: readonly [number, number, number, number], groups: number): Row {
  return {
    name: `GroupNorm(${groups}) + SiLU ${shape.join("x")}`,
    target: { webgpu: 2, wasm: 1.5 },
    work: { op: "groupNormSilu", groups },
    inputs: () => [noise(1, shape), noise(2, [shape[1]], 0.5, 1), noise(3, [shape[1]], 0.5)],
  };
}

/** Layer norm over the last axis, with weight and bias. */
export function layerNormRow(shape: readonly number[]): Row {
  const width = shape[shape.length - 1];
  return {
    name: `LayerNorm ${shape.join("x")}`,
    target: { webgpu: 1, wasm: 1.5 },
    work: { op: "layerNorm" },
    inputs: () => [noise(1, shape), noise(2, [width], 0.5, 1), noise(3, [width], 0.5)],
  };
}

/** The sizes measured. */
export const normRows: readonly Row[] = [
  groupNormSiluRow([8, 64, 32, 32], 8),
  groupNormSiluRow([4, 320, 32, 32], 32),
  layerNormRow([4096, 512]),
];
