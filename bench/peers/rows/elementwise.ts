/** What is bound by memory: a long chain, and AdamW over many tensors. */
import { noise, type Row } from "../row.ts";

/** `rounds` times four operations over `[rows, columns]`, one operand broadcast. */
export function chainRow(rounds: number, rows: number, columns: number): Row {
  return {
    name: `chain of ${4 * rounds} ops, ${rows}x${columns}`,
    target: { webgpu: 1, wasm: 1.5 },
    work: { op: "chain", rounds },
    inputs: () => [noise(1, [rows, columns]), noise(2, [columns])],
  };
}

/** AdamW; two runs are compared, a few tensors of them. */
export function adamwRow(name: string, shapes: readonly (readonly number[])[]): Row {
  return {
    name: `AdamW ${name}, ${shapes.length} tensors`,
    target: { webgpu: 2, wasm: 1 },
    work: { op: "adamw", shown: [0, 1, shapes.length - 1] },
    checked: 2,
    inputs: () => [
      ...shapes.map((shape, i) => noise(i + 1, shape, 0.1)),
      ...shapes.map((shape, i) => noise(i + 1001, shape)),
    ],
  };
}

const BLOCK = [[512, 512], [512], [1024, 256], [1024], [128, 768], [768]];

/** The sizes measured. */
export const elementwiseRows: readonly Row[] = [
  chainRow(5, 2048, 2048),
  adamwRow("10M parameters", Array.from({ length: 16 }, () => BLOCK).flat()),
];
