import { cat, type Tensor, tensor, where } from "@dipp/tensor";
import type { Prompts } from "./reward.ts";

/** Texts to token ids, one row a text, with the tokens that begin and end it; rows may differ in length. */
export type Tokenizer = (texts: readonly string[]) => readonly (readonly number[])[];

/** Which ids a network reads, and how long they may be. */
export interface TokenSource {
  /** Their name in `prompts.tokens`; "ids" means `prompts.ids`. */
  readonly tokens: string;
  /** What makes them of `prompts.texts` where they are not given. */
  readonly tokenizer?: Tokenizer;
  /** Longer prompts are cut here, and end as the tokenizer would have ended them. */
  readonly maxLength: number;
  /** The token that ends a text. */
  readonly end: number;
}

/**
 * The token ids of prompts for a network, at most as long as it reads.
 *
 * @param reward who asks, for the error
 * @param prompts the prompts
 * @param source see {@linkcode TokenSource}
 * @returns `[B, L]` i32, 0 is padding
 * @throws {TypeError} when the prompts have no such ids, and no texts or no tokenizer to make them
 */
export function promptTokens(reward: string, prompts: Prompts, source: TokenSource): Tensor {
  const { tokens, tokenizer, maxLength, end } = source;
  const given = tokens === "ids" ? prompts.ids : prompts.tokens?.[tokens];
  if (given) return truncated(given, maxLength, end);
  if (!tokenizer || !prompts.texts) {
    const lacks = tokenizer ? "there are no texts to make them of" : "the reward was given no tokenizer";
    throw new TypeError(`${reward} needs prompts.tokens["${tokens}"], which are missing, and ${lacks}`);
  }
  const rows = tokenizer(prompts.texts).map((row) => [...row]);
  const length = Math.max(1, ...rows.map((row) => row.length));
  const ids = Int32Array.from(rows.flatMap((row) => [...row, ...new Array<number>(length - row.length).fill(0)]));
  return truncated(tensor(ids, [rows.length, length]), maxLength, end);
}

/** Cuts rows; where a text goes on behind the cut, its last token becomes the end. */
function truncated(ids: Tensor, maxLength: number, end: number): Tensor {
  if (ids.shape[1] <= maxLength) return ids;
  const last = ids.slice([null, [maxLength - 1, maxLength]]);
  return cat([ids.slice([null, [0, maxLength - 1]]), where(last.eq(0), last, last.mul(0).add(end))], 1);
}
