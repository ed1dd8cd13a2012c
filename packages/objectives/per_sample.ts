import type { Tensor } from "@dipp/tensor";

/** One number a sample, `[B]`, shaped to broadcast over x `[B, ...]`. */
export function perSample(v: Tensor, x: Tensor): Tensor {
  return v.reshape([x.shape[0], ...x.shape.slice(1).map(() => 1)]);
}

/** Sum over all axes but the batch: `[B]`. */
export function sumPerSample(x: Tensor): Tensor {
  return x.flatten(1).sum(1);
}

/** Mean over all axes but the batch: `[B]`. */
export function meanPerSample(x: Tensor): Tensor {
  return x.flatten(1).mean(1);
}

/** Euclidean norm over all axes but the batch: `[B]`. */
export function normPerSample(x: Tensor): Tensor {
  return sumPerSample(x.square()).sqrt();
}
