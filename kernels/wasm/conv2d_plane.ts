/** What a convolution lays out in shared memory before it multiplies: planes with their margins of zeros, and tables. */
import { control, forEach, i32, v128 } from "./instructions.ts";
import type { Code } from "./instructions.ts";
import { WasmFunction } from "./function.ts";
import type { WasmPhase } from "./kernel.ts";
import type { StorageType } from "./matmul_spec.ts";
import { ELEMENT_BYTES, elementReader } from "./pack_element.ts";

/** Planes of a buffer, spread out over larger planes of f32 that are zero elsewhere. */
export interface Spread {
  /** Position of the buffer in the kernel's list. */
  readonly buffer: number;
  /** How its elements are stored. */
  readonly type: StorageType;
  /** Number of planes. */
  readonly planes: number;
  /** Height and width of a plane. */
  readonly size: readonly [number, number];
  /** Height and width of a larger plane. */
  readonly padded: readonly [number, number];
  /** Where the first element comes to lie. */
  readonly margin: readonly [number, number];
  /** Rows and columns from one element to the next. */
  readonly step: readonly [number, number];
  /** Where the larger planes begin in shared memory. */
  readonly at: number;
}

/** A table of offsets: sums of an index times a stride for each dimension, row-major. */
export interface Table {
  /** Where it begins in shared memory. */
  readonly at: number;
  /** Extents, and strides in bytes, which may be negative. */
  readonly dimensions: readonly (readonly [extent: number, stride: number])[];
}

/** Whether planes are already as they shall be. */
export function isSpread({ size, padded, step }: Omit<Spread, "at">): boolean {
  return step.every((s, i) => s === 1 || size[i] === 1) && size.every((s, i) => s === padded[i]);
}

/** Entries of a table, of which the last ones repeat the last offset. */
export function entries({ dimensions }: Pick<Table, "dimensions">): number {
  return Math.ceil(dimensions.reduce((product, [extent]) => product * extent, 1) / 8) * 8;
}

const CHUNK = 4096;

/** The phase that writes planes and tables. */
export function layOut(spread: Spread | undefined, tables: readonly Table[]): WasmPhase {
  const f = new WasmFunction("layOut");
  const [task, buffers, , shared] = Array.from({ length: 4 }, () => f.parameter("i32"));
  const planes = spread?.planes ?? 0;
  const parts: [count: number, code: Code][] = tables.map((table) => [
    Math.ceil(entries(table) / CHUNK),
    control.call(tableFunction(table), task.get, shared.get),
  ]);
  if (spread) parts.unshift([planes, control.call(spreadFunction(spread), task.get, buffers.get, shared.get)]);
  f.body = [
    parts.map(([count, code]) => [
      control.if(i32.ltU(task.get, i32.const(count)), [code, control.return]),
      task.set(i32.sub(task.get, i32.const(count))),
    ]),
  ];
  return { entry: f, tasks: parts.reduce((sum, [count]) => sum + count, 0) };
}

function tableFunction(table: Table): WasmFunction {
  const f = new WasmFunction("table");
  const [task, shared] = [f.parameter("i32"), f.parameter("i32")];
  const [i, end, rest, sum] = f.locals("i32", 4);
  const c4 = i32.const;
  const count = table.dimensions.reduce((product, [extent]) => product * extent, 1);
  const least = (x: Code, y: Code): Code => control.select(i32.ltS(x, y), x, y);
  f.body = [
    i.set(i32.mul(task.get, c4(CHUNK))),
    end.set(least(i32.add(i.get, c4(CHUNK)), c4(entries(table)))),
    forEach(i, i.get, end.get, 1, [
      rest.set(least(i.get, c4(count - 1))),
      sum.set(c4(0)),
      [...table.dimensions].reverse().map(([extent, stride]) => [
        sum.set(i32.add(sum.get, i32.mul(i32.remU(rest.get, c4(extent)), c4(stride)))),
        rest.set(i32.divU(rest.get, c4(extent))),
      ]),
      i32.store(i32.add(shared.get, i32.mul(i.get, c4(4))), sum.get, table.at),
    ]),
  ];
  return f;
}

function spreadFunction({ buffer, type, size: [height, width], padded, margin, step, at }: Spread): WasmFunction {
  const f = new WasmFunction("spread");
  const [task, buffers, shared] = Array.from({ length: 3 }, () => f.parameter("i32"));
  const [from, to, x, y] = f.locals("i32", 4);
  const read = elementReader(f, type);
  const bytes = ELEMENT_BYTES[type];
  const c4 = i32.const;
  const planeBytes = 4 * padded[0] * padded[1];
  const vectors = step[1] === 1 ? width - width % 4 : 0;
  const source = i32.add(from.get, i32.mul(x.get, c4(bytes)));
  const target = i32.add(to.get, i32.mul(x.get, c4(4 * step[1])));
  f.body = [
    from.set(i32.add(i32.load(buffers.get, 4 * buffer), i32.mul(task.get, c4(height * width * bytes)))),
    to.set(i32.add(i32.add(shared.get, c4(at)), i32.mul(task.get, c4(planeBytes)))),
    control.fill(to.get, c4(0), c4(planeBytes)),
    to.set(i32.add(to.get, c4(4 * (margin[0] * padded[1] + margin[1])))),
    forEach(y, c4(0), c4(height), 1, [
      forEach(x, c4(0), c4(vectors), 4, v128.store(target, read.four(source))),
      forEach(x, c4(vectors), c4(width), 1, v128.store32Lane(target, read.one(source), 0)),
      from.set(i32.add(from.get, c4(width * bytes))),
      to.set(i32.add(to.get, c4(4 * step[0] * padded[1]))),
    ]),
  ];
  return f;
}
