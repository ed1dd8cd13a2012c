import type { Tensor } from "@dipp/tensor";

/**
 * The state of the token that ends each text: the first with the id of the end, or with the largest id where the
 * configuration holds the 2 of old files (in CLIP's vocabulary the end is the largest).
 *
 * @param states Final states, `[B, L, D]`.
 * @param ids Token ids, `[B, L]`.
 * @param eosTokenId The configuration's `eos_token_id`.
 * @returns `[B, D]`.
 */
export function poolAtEnd(states: Tensor, ids: Tensor, eosTokenId: number): Tensor {
  const [batch, , width] = states.shape;
  const at = (eosTokenId === 2 ? ids : ids.eq(eosTokenId).cast("i32")).argmax(1);
  return states.gather(1, at.reshape([batch, 1, 1]).expand([batch, 1, width])).squeeze(1);
}
