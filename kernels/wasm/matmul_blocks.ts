/** How a product is cut: into blocks of rows and columns, which are tasks, and blocks of terms. */
import { TILE_COLUMNS, TILE_ROWS } from "./gemm.ts";

/** A cut. */
export interface Blocks {
  /** Parts of the sum, each with partial results of its own. */
  readonly parts: number;
  /** Terms of a part. */
  readonly partTerms: number;
  /** Terms that are packed at once. */
  readonly terms: number;
  /** Rows of a task, a multiple of the tile's. */
  readonly rows: number;
  /** Columns of a task, a multiple of the tile's. */
  readonly columns: number;
  /** Blocks of rows. */
  readonly rowBlocks: number;
  /** Blocks of columns. */
  readonly columnBlocks: number;
}

/** With 6 rows and 8 columns this many terms fit in a first-level cache of 32 KB twice. */
const TERMS = 320;
/** A block of the second factor and the results of a task stay in a second-level cache of 1 MB. */
const ROWS = 32 * TILE_ROWS;
const COLUMNS = 256;
/** Fewer columns make packing of the first factor show, fewer rows that of the second. */
const LEAST_ROWS = 8 * TILE_ROWS;
const LEAST_COLUMNS = 64;
/** Tasks that parts of a sum are made for, and terms that a part has at least. */
const SUM_TASKS = 16;
const LEAST_TERMS = 1024;

/** The least multiple of `of` that is not below x. */
export function upTo(x: number, of: number): number {
  return Math.ceil(x / of) * of;
}

/** Cuts `size` into equal blocks of at most `most`, in units of `unit`. */
function even(size: number, most: number, unit: number): number {
  return upTo(Math.ceil(size / Math.ceil(size / most)), unit);
}

/**
 * The cut for a product. Parts and terms, which sums depend on, follow from the sizes alone.
 *
 * @param sizes The product's sizes.
 * @param threads Number of threads: there are a few tasks for each.
 */
export function chooseBlocks(
  { batch, m, n, k }: { readonly batch: number; readonly m: number; readonly n: number; readonly k: number },
  threads: number,
): Blocks {
  const least = batch * Math.ceil(m / LEAST_ROWS) * Math.ceil(n / LEAST_COLUMNS);
  const wanted = Math.max(1, Math.min(Math.ceil(SUM_TASKS / least), Math.floor(k / LEAST_TERMS)));
  const partTerms = wanted === 1 ? k : upTo(Math.ceil(k / wanted), TILE_COLUMNS);
  const parts = Math.ceil(k / partTerms);
  let [mostRows, mostColumns] = [ROWS, COLUMNS];
  const rowsOf = () => even(m, mostRows, TILE_ROWS);
  const columnsOf = () => even(n, mostColumns, TILE_COLUMNS);
  const tasks = () => batch * parts * Math.ceil(m / rowsOf()) * Math.ceil(n / columnsOf());
  while (threads > 1 && tasks() < 4 * threads) {
    if (columnsOf() > Math.max(LEAST_COLUMNS, rowsOf())) mostColumns = Math.max(LEAST_COLUMNS, columnsOf() / 2);
    else if (rowsOf() > LEAST_ROWS) mostRows = Math.max(LEAST_ROWS, rowsOf() / 2);
    else if (columnsOf() > LEAST_COLUMNS) mostColumns = Math.max(LEAST_COLUMNS, columnsOf() / 2);
    else break;
  }
  const [rows, columns] = [rowsOf(), columnsOf()];
  return {
    parts,
    partTerms,
    terms: even(partTerms, TERMS, 8),
    rows,
    columns,
    rowBlocks: Math.ceil(m / rows),
    columnBlocks: Math.ceil(n / columns),
  };
}
