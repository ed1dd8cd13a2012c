/** Which factors of a contraction are bound as vectors of four. */
import type { ConvVariant, MatmulVariant } from "@dipp/kernels";
import type { Tensor } from "../tensor.ts";

/** A factor as a contraction reads it. */
export interface WideCandidate {
  /** What lies in the buffer. */
  readonly base: Tensor;
  /** Whether the kernel can read it four elements at a time. */
  readonly inFours: boolean;
}

/**
 * The tensors to bind as vectors of four: f32 in whole vectors, which nothing reads in another way.
 *
 * @param factors Both factors.
 * @param kind Class of adapter; only the kernels for graphics processors stage vectors.
 * @param variant The kernel's form, where one was measured.
 * @param alone Whether a tensor is also read, or written, element by element.
 */
export function wideFactors(
  factors: readonly WideCandidate[],
  kind: "software" | "gpu",
  variant: MatmulVariant | ConvVariant | undefined,
  alone: (t: Tensor) => boolean,
): ReadonlySet<Tensor> {
  const form = variant?.kind === "matmul" ? variant.product : variant;
  if (kind !== "gpu" || form && (form.kind !== "tiled" || form.vec4 === false)) return new Set();
  const fits = ({ base, inFours }: WideCandidate) =>
    inFours && base.dtype === "f32" && base.size % 4 === 0 && !alone(base);
  return new Set(
    factors.map(({ base }) => base).filter((base) => factors.every((f) => f.base !== base || fits(f))),
  );
}
