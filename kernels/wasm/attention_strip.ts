/** What a kernel of an attention says of itself: its tiles, its sums, and its steps for a strip of eight own rows. */
import type { Code } from "./instructions.ts";
import type { Local, WasmFunction } from "./function.ts";
import { STRIP, type WasmAttentionOperand } from "./attention.ts";

/** Bytes of a term of a tile. */
export const TERM_BYTES = 4 * STRIP;

/** A product of rows of the other side with the own rows: a tile. */
export interface TileProduct {
  /** The other side. */
  readonly other: WasmAttentionOperand;
  /** The own side. */
  readonly own: WasmAttentionOperand;
  /** Features of both. */
  readonly length: number;
  /** Factor on the own side. */
  readonly scale: number;
}

/** A sum over the terms of rows of the other side, weighted by a tile. */
export interface TileSum {
  /** The other side. */
  readonly other: WasmAttentionOperand;
  /** Its features. */
  readonly length: number;
  /** Number of the tile. */
  readonly tile: number;
  /** Where it goes, one row for each own row. */
  readonly result: WasmAttentionOperand;
}

/** What a step of a kernel may use. */
export interface Strip {
  /** The function that is written. */
  readonly f: WasmFunction;
  /** First own row of the strip. */
  readonly lane: Local;
  /** First term of the block. */
  readonly term: Local;
  /** Terms of the block that count for this strip. */
  readonly count: Local;
  /** Address of the strip's state. */
  readonly state: Local;
  /** A variable for loops. */
  readonly at: Local;
  /** Address of a tile's first term, given its number. */
  tile(number: number): Code;
  /** Address of a sum's first feature, given its number. */
  sum(number: number): Code;
  /** Address of the matrix of an operand. */
  matrix(operand: WasmAttentionOperand): Code;
}

/** A kernel of an attention. */
export interface Walk {
  /** Name of its function. */
  readonly name: string;
  /** Equal for kernels that do the same. */
  readonly key: string;
  /** Number of attentions. */
  readonly batch: number;
  /** Rows of the own side. */
  readonly own: number;
  /** Rows of the other side. */
  readonly others: number;
  /** Where the attention is causal, what the own rows are. */
  readonly causal: "queries" | "keys" | undefined;
  /** The tiles. */
  readonly tiles: readonly TileProduct[];
  /** The sums. */
  readonly sums: readonly TileSum[];
  /** Operands beside those of tiles and sums. */
  readonly operands: readonly WasmAttentionOperand[];
  /** Bytes of a strip's state, a multiple of 32. */
  readonly stateBytes: number;
  /** Code before the blocks, once for each strip. */
  start?(strip: Strip): Code;
  /** Code that works on the tiles of a strip. */
  work(strip: Strip): Code;
  /** Code before a strip's results are stored; may change its sums. */
  finish?(strip: Strip): Code;
}
