/**
 * What the three kernels of an attention share. A task has some rows of one side (queries, or keys) of its own, in strips
 * of eight, and meets the other side in blocks. A block is packed once for all strips; then each strip computes its tiles
 * [terms of the block, 8 lanes], works on them while they are in the first-level cache, and adds products with them to
 * its sums [features, 8 lanes]. With lanes last, a tile is at once the packed second factor of the next product, and
 * whatever belongs to a row is a vector.
 */
import { type Code, control, f32x4, forEach, i32, v128 } from "./instructions.ts";
import { type Local, WasmFunction } from "./function.ts";
import { type Strip, TERM_BYTES, type TileProduct, type TileSum, type Walk } from "./attention_strip.ts";
import { gemmTile, TILE_ROWS } from "./gemm.ts";
import { STRIP, type WasmAttentionOperand } from "./attention.ts";
import { storeStrip } from "./attention_store.ts";
import type { WasmKernel, WasmTarget } from "./kernel.ts";
import { splat } from "./math_code.ts";
import { upTo } from "./matmul_blocks.ts";
import { packStrided } from "./pack.ts";

/** Terms of a block: a multiple of the tile's rows. Sums depend on it. */
const BLOCK = 16 * TILE_ROWS;
/** Rows of a task's own: more of them share the packing of a block. */
const OWN = 12 * STRIP;
/** Own rows of a task: enough tasks for the threads, but no fewer than two strips. */
function ownRows(batch: number, own: number, threads: number): number {
  const even = (most: number) => upTo(Math.ceil(own / Math.ceil(own / most)), STRIP);
  let most = OWN;
  while (threads > 1 && most > 2 * STRIP && batch * Math.ceil(own / even(most)) < 4 * threads) most -= STRIP;
  return even(most);
}

/** The kernel of a walk. */
export function walk(spec: Walk, { relaxed, threads }: WasmTarget): WasmKernel {
  const { batch, own, others, causal, tiles, sums } = spec;
  const mine = ownRows(batch, own, threads);
  const blocks = Math.ceil(own / mine);
  const c = i32.const;

  let scratchBytes = 0;
  const place = (bytes: number) => {
    const at = scratchBytes;
    scratchBytes += upTo(bytes, 64);
    return at;
  };
  const block = Math.min(BLOCK, upTo(others, TILE_ROWS));
  const ownAt = tiles.map(({ length }) => place(mine * length * 4));
  const tileAt = tiles.map(() => place(block * TERM_BYTES));
  const rowsAt = tiles.map(({ length }) => place(block * length * 4));
  const columnsAt = sums.map(({ length }) => place(block * length * 4));
  const stateAt = place(mine / STRIP * spec.stateBytes);
  const sumAt = sums.map(({ length }) => place(mine * length * 4));
  const sumBytes = scratchBytes - (sumAt[0] ?? 0);

  const f = new WasmFunction(spec.name);
  const [task, buffers, scratch] = [f.parameter("i32"), f.parameter("i32"), f.parameter("i32")];
  f.parameter("i32");
  const [begin, end, lane, term, last, size, count, index, state, at, panel, target] = f.locals("i32", 12);
  const operands = [...tiles.flatMap((t) => [t.own, t.other]), ...sums.flatMap((s) => [s.other, s.result])];
  const matrices = new Map<WasmAttentionOperand, Local>();
  for (const operand of [...operands, ...spec.operands]) {
    if (!matrices.has(operand)) matrices.set(operand, f.local("i32"));
  }
  const inScratch = (offset: number): Code => i32.add(scratch.get, c(offset));
  const inStrip = (offset: number, bytes: number): Code => i32.add(inScratch(offset), i32.mul(index.get, c(bytes)));
  const least = (x: Code, y: Code): Code => control.select(i32.ltS(x, y), x, y);
  const strip: Strip = {
    f,
    lane,
    term,
    count,
    state,
    at,
    tile: (number) => inScratch(tileAt[number]),
    sum: (number) => inStrip(sumAt[number], sums[number].length * TERM_BYTES),
    matrix: (operand) => matrices.get(operand)!.get,
  };

  const eachStrip = (...body: Code[]): Code => [
    index.set(c(0)),
    state.set(inScratch(stateAt)),
    forEach(lane, begin.get, end.get, STRIP, [
      body,
      index.set(i32.add(index.get, c(1))),
      state.set(i32.add(state.get, c(spec.stateBytes))),
    ]),
  ];
  const packOwn = ({ own: operand, length, scale }: TileProduct, t: number): Code => {
    const pack = (valid: number): Code =>
      control.call(
        packStrided("f32", operand.rowStride, operand.colStride, STRIP, valid),
        strip.matrix(operand),
        lane.get,
        c(0),
        c(length),
        panel.get,
        c(0),
      );
    const tail = own % STRIP;
    return [
      panel.set(inStrip(ownAt[t], length * TERM_BYTES)),
      tail === 0 ? pack(STRIP) : control.if(i32.gtS(i32.add(lane.get, c(STRIP)), c(own)), pack(tail), pack(STRIP)),
      scale === 1 ? [] : [
        target.set(i32.add(panel.get, c(length * TERM_BYTES))),
        forEach(at, panel.get, target.get, 16, v128.store(at.get, f32x4.mul(v128.load(at.get), splat(scale)))),
      ],
    ];
  };
  const packRows = ({ other, length }: TileProduct, t: number): Code => {
    const pack = (height: number): Code =>
      control.call(
        packStrided("f32", other.rowStride, other.colStride, height, height),
        strip.matrix(other),
        i32.add(term.get, at.get),
        c(0),
        c(length),
        panel.get,
        c(0),
      );
    return [
      panel.set(inScratch(rowsAt[t])),
      forEach(at, c(0), size.get, TILE_ROWS, [
        byHeight(others % TILE_ROWS, size.get, pack),
        panel.set(i32.add(panel.get, c(TILE_ROWS * length * 4))),
      ]),
    ];
  };
  const packColumns = ({ other, length }: TileSum, s: number): Code => {
    const pack = (height: number): Code =>
      control.call(
        packStrided("f32", other.colStride, other.rowStride, height, height),
        strip.matrix(other),
        at.get,
        term.get,
        size.get,
        panel.get,
        c(0),
      );
    return [
      panel.set(inScratch(columnsAt[s])),
      forEach(at, c(0), c(length), TILE_ROWS, [
        byHeight(length % TILE_ROWS, c(length), pack),
        panel.set(i32.add(panel.get, i32.mul(size.get, c(TILE_ROWS * 4)))),
      ]),
    ];
  };
  /** The tall version while `at` has room for it below `limit`, else that of the tail, whose height is known. */
  const byHeight = (tail: number, limit: Code, code: (height: number) => Code): Code =>
    tail === 0
      ? code(TILE_ROWS)
      : control.if(i32.gtS(i32.add(at.get, c(TILE_ROWS)), limit), code(tail), code(TILE_ROWS));
  const product = ({ length }: TileProduct, t: number): Code => {
    const call = (height: number): Code =>
      control.call(
        gemmTile(height, STRIP, relaxed),
        panel.get,
        inStrip(ownAt[t], length * TERM_BYTES),
        c(length),
        target.get,
        c(TERM_BYTES),
        c(0),
      );
    return [
      panel.set(inScratch(rowsAt[t])),
      target.set(strip.tile(t)),
      forEach(at, c(0), count.get, TILE_ROWS, [
        byHeight(others % TILE_ROWS, size.get, call),
        panel.set(i32.add(panel.get, c(TILE_ROWS * length * 4))),
        target.set(i32.add(target.get, c(TILE_ROWS * TERM_BYTES))),
      ]),
    ];
  };
  const addUp = ({ length, tile }: TileSum, s: number): Code => {
    const call = (height: number): Code =>
      control.call(
        gemmTile(height, STRIP, relaxed),
        panel.get,
        strip.tile(tile),
        count.get,
        target.get,
        c(TERM_BYTES),
        c(1),
      );
    return [
      panel.set(inScratch(columnsAt[s])),
      target.set(strip.sum(s)),
      forEach(at, c(0), c(length), TILE_ROWS, [
        byHeight(length % TILE_ROWS, c(length), call),
        panel.set(i32.add(panel.get, i32.mul(size.get, c(TILE_ROWS * 4)))),
        target.set(i32.add(target.get, c(TILE_ROWS * TERM_BYTES))),
      ]),
    ];
  };
  const counted: Code = causal === "queries"
    // The last query of the strip sees no key behind it
    ? least(size.get, i32.sub(i32.add(lane.get, c(STRIP)), term.get))
    : causal === "keys"
    ? control.select(i32.gtS(i32.add(term.get, size.get), lane.get), size.get, c(0))
    : size.get;
  f.body = [
    index.set(i32.divU(task.get, c(blocks))),
    begin.set(i32.mul(i32.remU(task.get, c(blocks)), c(mine))),
    end.set(least(i32.add(begin.get, c(mine)), c(own))),
    [...matrices].map(([operand, local]) =>
      local.set(i32.add(i32.load(buffers.get, 4 * operand.buffer), i32.mul(operand.base(index.get), c(4))))
    ),
    eachStrip(tiles.map(packOwn), spec.start?.(strip) ?? []),
    control.fill(inScratch(sumAt[0]), c(0), c(sumBytes)),
    last.set(causal === "queries" ? least(end.get, c(others)) : c(others)),
    forEach(
      term,
      causal === "keys" ? i32.mul(i32.divU(begin.get, c(BLOCK)), c(BLOCK)) : c(0),
      last.get,
      BLOCK,
      [
        size.set(least(c(BLOCK), i32.sub(c(others), term.get))),
        tiles.map(packRows),
        sums.map(packColumns),
        eachStrip(
          count.set(counted),
          control.if(i32.gtS(count.get, c(0)), [tiles.map(product), spec.work(strip), sums.map(addUp)]),
        ),
      ],
    ),
    eachStrip(
      spec.finish?.(strip) ?? [],
      sums.map(({ length, result }, s) =>
        control.call(
          storeStrip(result, length),
          strip.sum(s),
          i32.add(strip.matrix(result), i32.mul(lane.get, c(4 * result.rowStride))),
          i32.sub(end.get, lane.get),
        )
      ),
    ),
  ];
  return {
    key: `${spec.name}:${relaxed}:${mine}:${spec.key}`,
    phases: [{ entry: f, tasks: batch * blocks }],
    scratchBytes,
    sharedBytes: 0,
  };
}
