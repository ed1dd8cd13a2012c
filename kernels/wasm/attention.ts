/** What the kernels of an attention are made of, and what all of them do with a score. */
import { type Code, control, f32x4, i32, i32x4, v128 } from "./instructions.ts";
import type { Local, WasmFunction } from "./function.ts";
import { splat, splatInteger } from "./math_code.ts";

/** A matrix for each head: a strided view of a buffer of f32. */
export interface WasmAttentionOperand {
  /** Position of its buffer in the kernel's list of buffers. */
  readonly buffer: number;
  /** Position (i32) of the first element of matrix `z`, in elements; `z` is an i32 without side effects. */
  base(z: Code): Code;
  /** Elements from one row to the next, not negative; 0 repeats one row. */
  readonly rowStride: number;
  /** Elements from one column to the next, not negative; 0 repeats one column. */
  readonly colStride: number;
}

/** What the kernels of one attention have in common: o[z] = softmax(q[z] k[z]^T * scale + mask[z]) v[z]. */
export interface WasmAttentionSpec {
  /** Number of independent attentions: batch times heads. */
  readonly batch: number;
  /** Queries: rows of the score matrix. */
  readonly rows: number;
  /** Keys: columns of the score matrix. */
  readonly keys: number;
  /** Features of a query and of a key. */
  readonly width: number;
  /** Features of a value. */
  readonly valueWidth: number;
  /** Queries, [rows, width]. */
  readonly q: WasmAttentionOperand;
  /** Keys, [keys, width]. */
  readonly k: WasmAttentionOperand;
  /** Values, [keys, valueWidth]. */
  readonly v: WasmAttentionOperand;
  /** [rows, keys]: f32 that is added to the scores, or where `bool`, words that keep a score unless they are 0. */
  readonly mask?: (WasmAttentionOperand & { readonly bool: boolean }) | undefined;
  /** Whether row i sees the keys j <= i only. */
  readonly causal: boolean;
  /** Factor on the scores. */
  readonly scale: number;
  /** Largest score of each row and the reciprocal of its sum of exponentials, [rows, 2]: written forward, read back. */
  readonly stats: WasmAttentionOperand;
}

/** The forward pass. */
export interface WasmAttentionForwardSpec extends WasmAttentionSpec {
  /** Where the result goes, [rows, valueWidth]. */
  readonly output: WasmAttentionOperand;
}

/** What both kernels of the backward pass read. */
export interface WasmAttentionBackwardSpec extends WasmAttentionSpec {
  /** Gradient with respect to the result, [rows, valueWidth]. */
  readonly gradient: WasmAttentionOperand;
  /** Sum over each row of gradient times result, [rows, 1]. */
  readonly delta: WasmAttentionOperand;
}

/** The gradient with respect to the queries. */
export interface WasmAttentionQueryGradSpec extends WasmAttentionBackwardSpec {
  /** Where it goes, [rows, width]. */
  readonly queryGradient: WasmAttentionOperand;
}

/** The gradients with respect to the keys and the values. */
export interface WasmAttentionKeyGradSpec extends WasmAttentionBackwardSpec {
  /** Where that of the keys goes, [keys, width]. */
  readonly keyGradient: WasmAttentionOperand;
  /** Where that of the values goes, [keys, valueWidth]. */
  readonly valueGradient: WasmAttentionOperand;
}

/** Score of what a bool mask leaves out: large and finite, so that a row with every key left out stays finite. */
const MASKED = -1e30;
/** Score of what comes after the query in a causal attention, and where maxima start: below all others. */
export const LOWEST = -3e38;

/** Lanes of a strip: two vectors of queries (or of keys, for their gradients). */
export const STRIP = 8;

/** Address of an element: `first` is the address of the matrix, the others are its row and column. */
export function elementAddress(first: Code, { rowStride, colStride }: WasmAttentionOperand, row: Code, column?: Code) {
  const term = (at: Code, index: Code | undefined, stride: number): Code =>
    index === undefined || stride === 0 ? at : i32.add(at, i32.mul(index, i32.const(4 * stride)));
  return term(term(first, row, rowStride), column, colStride);
}

/** What equal kernels have equal; addresses of matrices are told apart at two of them. */
export function attentionKey(spec: WasmAttentionSpec, others: readonly WasmAttentionOperand[]): string {
  const { batch, rows, keys, width, valueWidth, q, k, v, mask, causal, scale, stats } = spec;
  const base = (z: Code) => JSON.stringify(z, (_, part) => part?.callee?.name ?? part);
  const operand = (
    { buffer, base: at, rowStride, colStride }: WasmAttentionOperand,
  ) => [buffer, rowStride, colStride, base(at([0x20, 0]))];
  const operands = [q, k, v, stats, ...others, ...mask ? [mask] : []].map(operand);
  return JSON.stringify([batch, rows, keys, width, valueWidth, causal, scale, mask?.bool, operands]);
}

/** Scores of a strip: each term (a key, or a query) has two vectors of lanes (queries, or keys). */
export interface Scores {
  /** Makes ready for the terms from `term` on; `lane` is the first lane's row or column. Both are locals. */
  enter(matrix: Code, lane: Local, term: Local): Code;
  /** Reads the mask of the next term into variables. */
  next: Code;
  /** The masked score of vector 0 or 1, given the scaled product. */
  score(half: number, product: Code): Code;
  /** The gradient of a score, zero where a bool mask leaves it out. */
  gradient(half: number, value: Code): Code;
  /** Whether scores are the products as they are. */
  readonly plain: boolean;
}

/**
 * Code for the masks of a strip.
 *
 * @param f The function that it will be part of.
 * @param spec The attention.
 * @param own What the lanes are.
 */
export function maskedScores(f: WasmFunction, spec: WasmAttentionSpec, own: "queries" | "keys"): Scores {
  const { mask, causal, rows, keys } = spec;
  const [length, laneStride, termStride] = own === "queries"
    ? [rows, mask?.rowStride ?? 0, mask?.colStride ?? 0]
    : [keys, mask?.colStride ?? 0, mask?.rowStride ?? 0];
  const scattered = laneStride > 1;
  const addresses = mask ? f.locals("i32", scattered ? STRIP : 1) : [];
  const values = mask ? f.locals("v128", 2) : [];
  const lanes = causal ? f.locals("v128", 2) : [];
  const [at] = causal ? f.locals("v128", 1) : [];
  const read = (half: number): Code => {
    const [first] = addresses;
    if (laneStride === 0) return values[half].set(half === 0 ? v128.load32Splat(first.get) : values[0].get);
    if (laneStride === 1) return values[half].set(v128.load(first.get, 16 * half));
    return addresses.slice(4 * half, 4 * half + 4).map((address, lane) =>
      values[half].set(lane === 0 ? v128.load32Zero(address.get) : v128.load32Lane(address.get, values[half].get, lane))
    );
  };
  return {
    plain: !mask && !causal,
    enter(matrix, lane, term) {
      const clamped = (l: number): Code => {
        const index = i32.add(lane.get, i32.const(l));
        return control.select(i32.ltS(index, i32.const(length)), index, i32.const(length - 1));
      };
      return [
        addresses.map((address, l) =>
          address.set(i32.add(
            i32.add(matrix, i32.mul(clamped(l), i32.const(4 * laneStride))),
            i32.mul(term.get, i32.const(4 * termStride)),
          ))
        ),
        lanes.map((v, half) =>
          v.set(i32x4.add(
            i32x4.splat(i32.add(lane.get, i32.const(4 * half))),
            [1, 2, 3].reduce<Code>((x, l) => i32x4.replaceLane(x, l, i32.const(l)), splatInteger(0)),
          ))
        ),
        at ? at.set(i32x4.splat(term.get)) : [],
      ];
    },
    next: [
      values.map((_, half) => read(half)),
      mask?.bool ? values.map((v) => v.set(i32x4.ne(v.get, splatInteger(0)))) : [],
      termStride > 0 ? addresses.map((a) => a.set(i32.add(a.get, i32.const(4 * termStride)))) : [],
      at ? at.set(i32x4.add(at.get, splatInteger(1))) : [],
    ],
    score(half, product) {
      let result = product;
      if (mask) {
        result = mask.bool
          ? v128.bitselect(result, splat(MASKED), values[half].get)
          : f32x4.add(result, values[half].get);
      }
      if (!at) return result;
      // `next` has already moved on by one
      const sees = own === "queries" ? i32x4.leS(at.get, i32x4.add(lanes[half].get, splatInteger(1))) : i32x4.gtS(
        at.get,
        lanes[half].get,
      );
      return v128.bitselect(result, splat(LOWEST), sees);
    },
    gradient: (half, value) => mask?.bool ? v128.and(value, values[half].get) : value,
  };
}
