import { z } from "zod";

/**
 * The strength of classifier-free guidance, in both conventions: omega in s_null + omega (s_c - s_null), where 1 is no
 * guidance (diffusers, DMD2), and alpha in s_c + alpha (s_c - s_null), where 0 is none: the weight of DI++'s implicit
 * CFG reward. omega = 1 + alpha.
 */
export interface Guidance {
  /** Weight of the implicit reward. */
  readonly alpha: number;
  /** Guidance scale. */
  readonly omega: number;
}

/** A {@linkcode Guidance} as a configuration writes it: in one convention, which it names. */
export type GuidanceInput = { readonly alpha: number } | { readonly omega: number };

/** Reads a guidance strength in either convention; exactly one of `alpha` and `omega` must be given. */
export const guidanceSchema: z.ZodType<Guidance, GuidanceInput> = z.union([
  z.strictObject({ alpha: z.number().nonnegative() }),
  z.strictObject({ omega: z.number().min(1) }),
]).transform(guidance);

/**
 * Completes a guidance strength.
 *
 * @param input in one convention, or in both when they agree
 * @returns it in both
 * @throws {RangeError} when both are given and disagree
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { guidance } from "@dipp/objectives";
 *
 * assertEquals(guidance({ omega: 7.5 }), { alpha: 6.5, omega: 7.5 });
 * assertEquals(guidance({ alpha: 0 }), { alpha: 0, omega: 1 });
 * ```
 */
export function guidance(input: GuidanceInput): Guidance {
  const { alpha, omega } = input as Partial<Guidance>;
  if (alpha !== undefined && omega !== undefined && omega !== 1 + alpha) {
    throw new RangeError(`Guidance alpha ${alpha} and omega ${omega} disagree, expected omega = 1 + alpha`);
  }
  const weight = alpha ?? omega! - 1;
  return { alpha: weight, omega: 1 + weight };
}
