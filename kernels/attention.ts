import { range } from "./kernel.ts";

/** A matrix for each head: a strided view of a storage array of f32. */
export interface MatrixView {
  /** Name of the storage array. */
  readonly name: string;
  /** WGSL expression (u32) of the first element's position in matrix `z`; `z` is a u32 expression. */
  base(z: string): string;
  /** Elements from one row to the next; 0 repeats one row. */
  readonly rowStride: number;
  /** Elements from one column to the next; 0 repeats one column. */
  readonly colStride: number;
}

/** What the kernels of one attention have in common: o[z] = softmax(q[z] k[z]^T * scale + mask[z]) v[z]. */
export interface AttentionSpec {
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
  readonly q: MatrixView;
  /** Keys, [keys, width]. */
  readonly k: MatrixView;
  /** Values, [keys, valueWidth]. */
  readonly v: MatrixView;
  /** [rows, keys]: f32 that is added to the scores, or where `bool`, u32 that keeps a score unless it is 0. */
  readonly mask?: (MatrixView & { readonly bool: boolean }) | undefined;
  /** Whether row i sees the keys j <= i only. */
  readonly causal: boolean;
  /** Factor on the scores. */
  readonly scale: number;
  /** Largest score of each row and the reciprocal of its sum of exponentials, [rows, 2]: written forward, read back. */
  readonly stats: MatrixView;
  /** Bindings. */
  readonly declarations: string;
  /** Kind of adapter: a processor that emulates one, or a graphics processor. */
  readonly target: "software" | "gpu";
  /** Invocations in a subgroup, where the device has subgroup operations and all its subgroups are of that size. */
  readonly subgroup?: number | undefined;
}

/** The forward pass. */
export interface AttentionForwardSpec extends AttentionSpec {
  /** Where the result goes, [rows, valueWidth]. */
  readonly output: MatrixView;
}

/** What both kernels of the backward pass read. */
export interface AttentionBackwardSpec extends AttentionSpec {
  /** Gradient with respect to the result, [rows, valueWidth]. */
  readonly gradient: MatrixView;
  /** Sum over each row of gradient times result, [rows, 1]. */
  readonly delta: MatrixView;
}

/** The gradient with respect to the queries. */
export interface AttentionQueryGradSpec extends AttentionBackwardSpec {
  /** Where it goes, [rows, width]. */
  readonly queryGradient: MatrixView;
}

/** The gradients with respect to the keys and the values. */
export interface AttentionKeyGradSpec extends AttentionBackwardSpec {
  /** Where that of the keys goes, [keys, width]. */
  readonly keyGradient: MatrixView;
  /** Where that of the values goes, [keys, valueWidth]. */
  readonly valueGradient: MatrixView;
}

/** How an attention is cut: rows that an invocation has of its own, and rows of the other side that it meets at a time. */
export interface Cut {
  /** Rows of its own. */
  readonly own: number;
  /** Rows of the other side. */
  readonly block: number;
}

/** Multiplications up to which an attention counts as small. */
const SMALL = 1 << 18;
/** Registers that the rows of an invocation's own may fill: more rows share each load, but take longer to compile. */
const REGISTERS = 384;
/** Elements of workgroup memory that every device has. */
const WORKGROUP_ELEMENTS = 4096;

/**
 * The cut for an attention whose invocations keep, for each row of their own, `sums` sums and `tiles` products with
 * each row of the block.
 */
export function cutFor(spec: AttentionSpec, sums: number, tiles: number): Cut {
  const { batch, rows, keys, width, valueWidth, target, subgroup } = spec;
  if (target === "gpu") {
    return { own: 1, block: Math.max(1, Math.min(32, Math.floor(WORKGROUP_ELEMENTS / (width + valueWidth)))) };
  }
  // Compiling a large tile takes longer than a small attention ever will, and seconds where each lane loads everything
  if (batch * rows * keys * (width + valueWidth) < SMALL || !subgroup) return { own: 1, block: 8 };
  return { own: Math.max(1, Math.min(4, Math.floor(REGISTERS / (sums + 32 * tiles)))), block: 32 };
}

/** Score of what a bool mask leaves out: large and finite, so that a row with every key left out stays finite. */
const MASKED = "-1e30f";
/** Score of what comes after the query in a causal attention, and where maxima start: below all others. */
export const LOWEST = "-3e38f";

/** WGSL expression of the position of an element in matrix `z` of an operand. */
export function address(operand: MatrixView, row: string, column = "0u"): string {
  const term = (index: string, stride: number) =>
    stride === 0 || index === "0u" ? "" : ` + ${index}${stride === 1 ? "" : ` * ${stride}u`}`;
  return `${operand.base("z")}${term(row, operand.rowStride)}${term(column, operand.colStride)}`;
}

/** WGSL expression of a score, scaled and masked, given the plain product. */
export function score({ mask, causal, scale }: AttentionSpec, product: string, row: string, key: string): string {
  let result = `${product} * f32(${scale})`;
  if (mask) {
    const element = `${mask.name}[${address(mask, row, key)}]`;
    result = mask.bool ? `select(${MASKED}, ${result}, ${element} != 0u)` : `${result} + ${element}`;
  }
  return causal ? `select(${LOWEST}, ${result}, ${key} <= ${row})` : result;
}

/** WGSL expression of the gradient of a plain product, given its probability and the gradient of that. */
export function scoreGradient(
  { mask, scale }: AttentionSpec,
  probability: string,
  gradient: string,
  row: string,
  key: string,
): string {
  const result = `${probability} * ${gradient} * f32(${scale})`;
  return mask?.bool ? `select(0.0, ${result}, ${mask.name}[${address(mask, row, key)}] != 0u)` : result;
}

/** A statement for each row of an invocation's own. */
export function each(cut: Cut, statement: (w: number) => string): string {
  return range(cut.own).map(statement).join(" ");
}

/** Declarations of `count` sums for each of the rows, all zero. */
export function zeroSums(cut: Cut, name: string, count: number): string {
  return range(count).map((j) => each(cut, (w) => `var ${name}${j}_${w} = 0.0;`)).join(" ");
}

/** Declaration of an array that holds such sums, for loops over them. */
export function sumArray(cut: Cut, array: string, name: string, count: number): string {
  const elements = range(count).flatMap((j) => range(cut.own).map((w) => `${name}${j}_${w}`));
  return `var ${array} = array<f32, ${elements.length}>(${elements.join(", ")});`;
}
