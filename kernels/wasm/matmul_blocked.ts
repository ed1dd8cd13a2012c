/**
 * Products of anything that can be packed into panels: blocks of the result are tasks. A task goes through the sum in
 * blocks of terms; it packs the block of the second factor, then one panel after another of the first, and multiplies while
 * they are in the caches. Where the result is too small for that to keep threads busy, the sum is cut into parts, whose
 * number depends on sizes alone: every sum has one order, whatever the number of threads.
 */
import { control, f32x4, forEach, i32, v128 } from "./instructions.ts";
import type { Code } from "./instructions.ts";
import { WasmFunction } from "./function.ts";
import { gemmTile, TILE_COLUMNS, TILE_ROWS } from "./gemm.ts";
import type { WasmKernel, WasmPhase, WasmTarget } from "./kernel.ts";
import type { WasmOutput } from "./matmul_spec.ts";
import { type Blocks, chooseBlocks, upTo } from "./matmul_blocks.ts";
import { finishBlock } from "./matmul_finish.ts";
import type { Panels } from "./pack.ts";

/** What a blocked product is made of. */
export interface BlockedProduct {
  /** Equal for products that do the same. */
  readonly key: string;
  /** Number of products. */
  readonly batch: number;
  /** Rows of each. */
  readonly m: number;
  /** Columns of each. */
  readonly n: number;
  /** Terms of each sum. */
  readonly k: number;
  /** First factor; lanes are its rows. */
  readonly a: Panels;
  /** Second factor; lanes are its columns. */
  readonly b: Panels;
  /** Where the result goes. */
  readonly output: WasmOutput;
  /** Phases that come before. */
  readonly before?: readonly WasmPhase[];
  /** Bytes of shared memory that these leave for the packing functions; a multiple of 64. */
  readonly sharedBytes?: number;
}

/** The kernel of a blocked product. */
export function blockedProduct(product: BlockedProduct, target: WasmTarget): WasmKernel {
  const { batch, m, n, output, before = [], sharedBytes = 0 } = product;
  const blocks = chooseBlocks(product, target.threads);
  const { parts, rows, columns, terms } = blocks;
  const wide = upTo(n, TILE_COLUMNS);
  const panelBytes = upTo(TILE_ROWS * terms * 4, 64);
  const blockBytes = upTo(columns, TILE_COLUMNS) * terms * 4;
  const inScratch = parts === 1 && ("finish" in output || n % TILE_COLUMNS !== 0);
  const resultBytes = inScratch ? rows * upTo(columns, TILE_COLUMNS) * 4 : 0;
  const tasks = batch * parts * blocks.rowBlocks * blocks.columnBlocks;
  const phases = [...before, { entry: taskFunction(product, blocks, target, inScratch), tasks }];
  const sumRows = Math.max(1, Math.floor(4096 / wide));
  if (parts > 1) {
    const entry = sumFunction(product, parts, sumRows);
    phases.push({ entry, tasks: batch * Math.ceil(m / sumRows) });
  }
  return {
    key: `${product.key}:${Object.values(blocks)}:${target.relaxed}`,
    phases,
    scratchBytes: Math.max(panelBytes + blockBytes + resultBytes, parts > 1 ? sumRows * wide * 4 : 0),
    sharedBytes: sharedBytes + (parts > 1 ? parts * batch * m * wide * 4 : 0),
  };
}

function taskFunction(
  { batch, m, n, k, a, b, output, sharedBytes = 0 }: BlockedProduct,
  blocks: Blocks,
  { relaxed }: WasmTarget,
  inScratch: boolean,
): WasmFunction {
  const { parts, rows, columns, terms, rowBlocks, columnBlocks, partTerms } = blocks;
  const f = new WasmFunction("product");
  const [task, buffers, scratch, shared] = Array.from({ length: 4 }, () => f.parameter("i32"));
  const [z, part, i, iEnd, j, width, p, pEnd, count] = f.locals("i32", 9);
  const [panel, block, c, cRow, stride, sourceA, sourceB, first] = f.locals("i32", 8);
  const c4 = i32.const;
  const divide = (by: number): Code => by === 1 ? [] : task.set(i32.divU(task.get, c4(by)));
  const rest = (by: number): Code => by === 1 ? c4(0) : i32.remU(task.get, c4(by));
  const least = (x: Code, y: Code): Code => control.select(i32.ltS(x, y), x, y);
  const wide = upTo(n, TILE_COLUMNS);
  const panelBytes = upTo(TILE_ROWS * terms * 4, 64);
  const blockBytes = upTo(columns, TILE_COLUMNS) * terms * 4;
  const linear = i32.add(i32.mul(i32.add(i32.mul(z.get, c4(m)), i.get), c4(n)), j.get);
  const place = (): Code => {
    if (inScratch) {
      return [
        c.set(i32.add(block.get, c4(blockBytes))),
        stride.set(i32.mul(i32.and(i32.add(width.get, c4(TILE_COLUMNS - 1)), c4(-TILE_COLUMNS)), c4(4))),
      ];
    }
    if (parts > 1) {
      const row = i32.add(i32.mul(i32.add(i32.mul(part.get, c4(batch)), z.get), c4(m)), i.get);
      const at = i32.mul(i32.add(i32.mul(row, c4(wide)), j.get), c4(4));
      return [c.set(i32.add(i32.add(shared.get, c4(sharedBytes)), at)), stride.set(c4(wide * 4))];
    }
    const buffer = "buffer" in output ? output.buffer : 0;
    return [
      c.set(i32.add(i32.load(buffers.get, 4 * buffer), i32.mul(first.get, c4(4)))),
      stride.set(c4(n * 4)),
    ];
  };
  const strip = (height: number): Code => [
    control.call(a.pack(height, height), sourceA.get, i.get, p.get, count.get, panel.get, shared.get),
    control.call(
      multiplyPanels(height, relaxed),
      panel.get,
      block.get,
      count.get,
      cRow.get,
      stride.get,
      i32.gtS(p.get, partTerms === k ? c4(0) : i32.mul(part.get, c4(partTerms))),
      width.get,
    ),
  ];
  const tail = m % TILE_ROWS;
  const packed = packBlock(b, n);
  f.body = [
    j.set(i32.mul(rest(columnBlocks), c4(columns))),
    divide(columnBlocks),
    i.set(i32.mul(rest(rowBlocks), c4(rows))),
    divide(rowBlocks),
    part.set(rest(parts)),
    divide(parts),
    z.set(task.get),
    first.set(linear),
    width.set(least(c4(columns), i32.sub(c4(n), j.get))),
    iEnd.set(least(i32.add(i.get, c4(rows)), c4(m))),
    panel.set(scratch.get),
    block.set(i32.add(scratch.get, c4(panelBytes))),
    place(),
    sourceA.set(a.source(z.get, buffers.get, shared.get)),
    sourceB.set(b.source(z.get, buffers.get, shared.get)),
    p.set(i32.mul(part.get, c4(partTerms))),
    pEnd.set(least(i32.add(p.get, c4(partTerms)), c4(k))),
    forEach(p, p.get, pEnd.get, terms, [
      count.set(least(c4(terms), i32.sub(pEnd.get, p.get))),
      control.call(packed, sourceB.get, j.get, width.get, p.get, count.get, block.get, shared.get),
      cRow.set(c.get),
      task.set(i.get),
      forEach(i, task.get, iEnd.get, TILE_ROWS, [
        tail === 0
          ? strip(TILE_ROWS)
          : control.if(i32.ltS(i32.sub(iEnd.get, i.get), c4(TILE_ROWS)), strip(tail), strip(TILE_ROWS)),
        cRow.set(i32.add(cRow.get, i32.mul(stride.get, c4(TILE_ROWS)))),
      ]),
      i.set(task.get),
    ]),
    inScratch
      ? control.call(
        finishBlock(output, n),
        first.get,
        i32.sub(iEnd.get, i.get),
        width.get,
        c.get,
        stride.get,
        buffers.get,
      )
      : [],
  ];
  return f;
}

const strips = new Map<string, WasmFunction>();

/** A function (a, b, k, c, cStride, add, columns): a panel of rows times a block of panels of columns. */
function multiplyPanels(height: number, relaxed: boolean): WasmFunction {
  const name = `strip_${height}_${relaxed}`;
  const found = strips.get(name);
  if (found) return found;
  const f = new WasmFunction(name);
  const [a, b, k, c, cStride, add, columns] = Array.from({ length: 7 }, () => f.parameter("i32"));
  const [j, bytes] = f.locals("i32", 2);
  f.body = [
    bytes.set(i32.mul(k.get, i32.const(4 * TILE_COLUMNS))),
    forEach(j, i32.const(0), columns.get, TILE_COLUMNS, [
      control.call(
        gemmTile(height, TILE_COLUMNS, relaxed),
        a.get,
        b.get,
        k.get,
        c.get,
        cStride.get,
        add.get,
      ),
      b.set(i32.add(b.get, bytes.get)),
      c.set(i32.add(c.get, i32.const(4 * TILE_COLUMNS))),
    ]),
  ];
  strips.set(name, f);
  return f;
}

/** A function (source, lane, lanes, term, terms, target, shared) that packs a block of panels. */
function packBlock(b: Panels, n: number): WasmFunction {
  const f = new WasmFunction("packBlock");
  const [source, lane, lanes, term, terms, target, shared] = Array.from({ length: 7 }, () => f.parameter("i32"));
  const end = f.local("i32");
  const one = (valid: number): Code =>
    control.call(b.pack(TILE_COLUMNS, valid), source.get, lane.get, term.get, terms.get, target.get, shared.get);
  const tail = n % TILE_COLUMNS;
  f.body = [
    end.set(i32.add(lane.get, lanes.get)),
    forEach(lane, lane.get, end.get, TILE_COLUMNS, [
      tail === 0
        ? one(TILE_COLUMNS)
        : control.if(i32.gtS(i32.add(lane.get, i32.const(TILE_COLUMNS)), i32.const(n)), one(tail), one(TILE_COLUMNS)),
      target.set(i32.add(target.get, i32.mul(terms.get, i32.const(4 * TILE_COLUMNS)))),
    ]),
  ];
  return f;
}

/** Sums the parts of some rows into scratch memory and finishes them. */
function sumFunction(
  { batch, m, n, output, sharedBytes = 0 }: BlockedProduct,
  parts: number,
  rows: number,
): WasmFunction {
  const f = new WasmFunction("sumParts");
  const [task, buffers, scratch, shared] = Array.from({ length: 4 }, () => f.parameter("i32"));
  const [z, i, count, from, to, end] = f.locals("i32", 6);
  const sum = f.local("v128");
  const c4 = i32.const;
  const wide = upTo(n, TILE_COLUMNS);
  const partBytes = batch * m * wide * 4;
  const rowBlocks = Math.ceil(m / rows);
  f.body = [
    z.set(i32.divU(task.get, c4(rowBlocks))),
    i.set(i32.mul(i32.remU(task.get, c4(rowBlocks)), c4(rows))),
    count.set(control.select(i32.ltS(i32.sub(c4(m), i.get), c4(rows)), i32.sub(c4(m), i.get), c4(rows))),
    from.set(i32.add(
      i32.add(shared.get, c4(sharedBytes)),
      i32.mul(i32.add(i32.mul(z.get, c4(m)), i.get), c4(wide * 4)),
    )),
    end.set(i32.mul(count.get, c4(wide * 4))),
    forEach(to, c4(0), end.get, 16, [
      sum.set(v128.load(from.get)),
      Array.from(
        { length: parts - 1 },
        (_, part) => sum.set(f32x4.add(sum.get, v128.load(i32.add(from.get, c4((part + 1) * partBytes))))),
      ),
      v128.store(i32.add(scratch.get, to.get), sum.get),
      from.set(i32.add(from.get, c4(16))),
    ]),
    control.call(
      finishBlock(output, n),
      i32.mul(i32.add(i32.mul(z.get, c4(m)), i.get), c4(n)),
      count.get,
      c4(n),
      scratch.get,
      c4(wide * 4),
      buffers.get,
    ),
  ];
  return f;
}
