/** Matrix products: square, odd, batched. */
import { noise, type Row } from "../row.ts";

/** `[..., m, k]` times `[..., k, n]`. */
export function matmulRow(batch: readonly number[], m: number, k: number, n: number): Row {
  const count = batch.reduce((a, b) => a * b, 1);
  const size = m === k && k === n ? `${m}` : `${m}x${k}x${n}`;
  return {
    name: `matmul ${[...batch, size].join(" x ")}`,
    target: { webgpu: 2, wasm: 1 },
    flops: 2 * count * m * k * n,
    work: { op: "matmul" },
    inputs: () => [noise(1, [...batch, m, k]), noise(2, [...batch, k, n])],
  };
}

/** The sizes measured. */
export const matmulRows: readonly Row[] = [
  matmulRow([], 512, 512, 512),
  matmulRow([], 1024, 1024, 1024),
  matmulRow([], 2048, 2048, 2048),
  matmulRow([], 1000, 1000, 1000),
  matmulRow([], 333, 777, 555),
  matmulRow([64], 64, 256, 256),
];
