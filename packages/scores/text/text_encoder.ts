import type { Tensor } from "@dipp/tensor";

/** What a text encoder is given. */
export interface TextInputs {
  /** Token ids, integers `[B, L]`. */
  readonly inputIds: Tensor;
  /** Which positions hold a token, `[B, L]`, true or 1 = keep. Default all. */
  readonly attentionMask?: Tensor;
}

/** What a text encoder gives. */
export interface TextEncoding {
  /** The encoded tokens, after the final norm where there is one, `[B, L, D]`. */
  readonly lastHiddenState: Tensor;
  /** The embeddings, then the tokens after every layer, each `[B, L, D]`; no final norm. SDXL reads the last but one. */
  readonly hiddenStates: readonly Tensor[];
}

/**
 * Checks token ids.
 *
 * @param model Who asks, for the error.
 * @param ids The token ids.
 * @param longest How many positions there are.
 * @throws {TypeError} When they are not integers `[B, L]`.
 * @throws {RangeError} When there are more tokens than positions.
 */
export function checkIds(model: string, ids: Tensor, longest = Infinity): void {
  if (ids.ndim !== 2 || !/^[iu]/.test(ids.dtype)) {
    throw new TypeError(`${model} cannot encode ${ids.dtype} [${ids.shape}]: expected integers [B, L]`);
  }
  if (ids.shape[1] > longest) {
    throw new RangeError(`${model} cannot encode ${ids.shape[1]} tokens: expected at most ${longest}`);
  }
}
