/** Reductions as WebAssembly: lanes along the reduced elements, or along the results where these lie together. */
import {
  type Code,
  control,
  f32x4,
  i32,
  i32x4,
  type Local,
  v128,
  WasmFunction,
  type WasmPhase,
  type WasmTarget,
} from "@dipp/kernels/wasm";
import { scalarType } from "../../dtype.ts";
import type { ReducePrimitive } from "../../primitive.ts";
import type { Tensor } from "../../tensor.ts";
import { Emission } from "../emission.ts";
import type { Expression } from "../expression.ts";
import { add, type Index, scale, unravel, variable } from "../index_expression.ts";
import { literal } from "./operations.ts";
import { expressionKey } from "./expression_key.ts";
import type { PlannedRange } from "./range.ts";
import { Frame, type WasmScope } from "./scope.ts";
import { recordReads, stretch } from "./segments.ts";
import { VectorWriter } from "./vector.ts";

/** A reduction and what it is part of. */
export interface ReduceSpec {
  /** The reduction. */
  readonly node: Tensor;
  /** Which tensors lie in buffers. */
  stored(t: Tensor): boolean;
  /** The kernel's buffers. */
  readonly scope: WasmScope;
  /** What the machine can do. */
  readonly target: WasmTarget;
  /** Finishes results. */
  readonly finish: PlannedRange;
}

/** Vectors that are combined side by side. */
const SIDE_BY_SIDE = 4;
/** Elements below which sharing a reduction out takes longer than doing it. */
const SMALL = 1 << 14;
/** Most results of one task, which wait in its memory to be finished. */
const MOST_RESULTS = 1 << 12;
/** Most parts that the elements of a result are cut into. */
const MOST_PARTS = 32;

type Combine = ReducePrimitive["combine"];

const START: Record<Combine, Record<"f32" | "i32" | "u32", number>> = {
  sum: { f32: 0, i32: 0, u32: 0 },
  prod: { f32: 1, i32: 1, u32: 1 },
  max: { f32: -Infinity, i32: -(2 ** 31), u32: 0 },
  min: { f32: Infinity, i32: 2 ** 31 - 1, u32: 2 ** 32 - 1 },
};

function combiner(combine: Combine, type: "f32" | "i32" | "u32"): (x: Code, y: Code) => Code {
  if (type === "f32") return { sum: f32x4.add, prod: f32x4.mul, max: f32x4.max, min: f32x4.min }[combine];
  const signed = type === "i32";
  return {
    sum: i32x4.add,
    prod: i32x4.mul,
    max: signed ? i32x4.maxS : i32x4.maxU,
    min: signed ? i32x4.minS : i32x4.minU,
  }[combine];
}

/** A reduction that is written when it is needed. */
export interface PlannedReduction {
  /** Equal for reductions that do the same. */
  readonly key: string;
  /** Writes its phases. */
  write(): { phases: WasmPhase[]; scratchBytes: number; sharedBytes: number };
}

/** Finds out what a reduction reads. */
export function planReduction(spec: ReduceSpec): PlannedReduction {
  const { node, scope, finish } = spec;
  const { axes, combine } = node.primitive as ReducePrimitive;
  const [input] = node.inputs;
  const length = axes.reduce((n, a) => n * input.shape[a], 1);
  const results = input.size / length;
  const emit = emitter(spec);
  const plain = emit(variable("result", results), variable("element", length));
  recordReads(plain, scope);
  const last = input.shape.findLastIndex((n) => n > 1);
  const isInner = last < 0 || axes.includes(last);
  return {
    key: `${combine}:${results}:${length}:${isInner}:${expressionKey(plain, scope)}:${finish.key}`,
    write: () => reducePhases(spec, { results, length, isInner, emit, plain }),
  };
}

/** Sizes of a reduction, and what it combines. */
interface Reduction {
  readonly results: number;
  readonly length: number;
  /** Whether the last axis is reduced. */
  readonly isInner: boolean;
  emit(result: Index, element: Index): Expression;
  /** One element. */
  readonly plain: Expression;
}

function reducePhases(
  spec: ReduceSpec,
  reduction: Reduction,
): { phases: WasmPhase[]; scratchBytes: number; sharedBytes: number } {
  const { node, target } = spec;
  const { results, isInner } = reduction;
  const primitive = node.primitive as ReducePrimitive;
  const [input] = node.inputs;
  const sum = isInner ? alongElements(spec, reduction) : alongResults(spec, reduction);
  const finish = spec.finish.write();
  // How elements are cut depends on sizes alone, so that results do not depend on the number of threads
  const independent = isInner ? results : Math.ceil(results / (4 * SIDE_BY_SIDE));
  const split = input.size < 4 * SMALL || independent >= 16
    ? 1
    : Math.max(1, Math.min(MOST_PARTS, Math.floor(input.size / SMALL), sum.most));
  const each = Math.ceil(sum.steps / split);
  const parts = Math.ceil(sum.steps / each);
  const wanted = Math.max(1, Math.min(4 * target.threads, Math.floor(input.size / SMALL)));
  const grain = isInner ? 1 : 4 * SIDE_BY_SIDE;
  const even = Math.ceil(Math.ceil(results / Math.min(wanted, independent)) / grain) * grain;
  const block = Math.min(even, MOST_RESULTS);
  const blocks = Math.ceil(results / block);

  const entry = (name: string) => {
    const f = new WasmFunction(name);
    const parameters = [0, 1, 2, 3].map(() => f.parameter("i32"));
    return { f, parameters, locals: f.locals("i32", 3) };
  };
  const rangeOf = (task: Code, first: Local, count: Local): Code => [
    first.set(i32.mul(task, i32.const(block))),
    count.set(i32.sub(i32.const(results), first.get)),
    count.set(control.select(i32.ltS(count.get, i32.const(block)), count.get, i32.const(block))),
  ];
  const bytes = 4 * block + 64;
  if (parts === 1) {
    const { f, parameters: [task, buffers, scratch], locals: [first, count] } = entry("reduce");
    f.body = [
      rangeOf(task.get, first, count),
      control.call(sum.f, first.get, count.get, i32.const(0), i32.const(sum.steps), scratch.get, buffers.get),
      control.call(finish, first.get, count.get, scratch.get, buffers.get),
    ];
    return { phases: [{ entry: f, tasks: blocks }], scratchBytes: bytes, sharedBytes: 0 };
  }
  const row = Math.ceil(results / 16) * 16 + 16;
  const one = entry("reducePart");
  {
    const { f, parameters: [task, buffers, , shared], locals: [first, count, part] } = one;
    const from = i32.mul(part.get, i32.const(each));
    const to = i32.add(from, i32.const(each));
    f.body = [
      part.set(i32.remU(task.get, i32.const(parts))),
      rangeOf(i32.divU(task.get, i32.const(parts)), first, count),
      control.call(
        sum.f,
        first.get,
        count.get,
        from,
        control.select(i32.ltS(to, i32.const(sum.steps)), to, i32.const(sum.steps)),
        i32.add(shared.get, i32.shl(i32.add(i32.mul(part.get, i32.const(row)), first.get), i32.const(2))),
        buffers.get,
      ),
    ];
  }
  const two = entry("reduceParts");
  {
    const { f, parameters: [task, buffers, scratch, shared], locals: [first, count, at] } = two;
    const join = combiner(primitive.combine, scalarType(input.dtype) as "f32");
    const place = i32.add(shared.get, i32.shl(i32.add(first.get, at.get), i32.const(2)));
    const total = Array.from({ length: parts }, (_, p) => v128.load(place, 4 * row * p)).reduce(join);
    f.body = [
      rangeOf(task.get, first, count),
      at.set(i32.const(0)),
      control.loop(
        v128.store(i32.add(scratch.get, i32.shl(at.get, i32.const(2))), total),
        control.brIf(0, i32.ltS(at.tee(i32.add(at.get, i32.const(4))), count.get)),
      ),
      control.call(finish, first.get, count.get, scratch.get, buffers.get),
    ];
  }
  return {
    phases: [{ entry: one.f, tasks: blocks * parts }, { entry: two.f, tasks: blocks }],
    scratchBytes: bytes,
    sharedBytes: 4 * row * parts + 64,
  };
}

/** A function (first, count, from, to, values, buffers): combines the steps `from` to `to - 1` of some results. */
interface PartialSum {
  readonly f: WasmFunction;
  /** Steps in each result. */
  readonly steps: number;
  /** Most parts that the steps may be cut into. */
  readonly most: number;
}

interface Opened {
  readonly frame: Frame;
  readonly parameters: readonly Local[];
  readonly type: "f32" | "i32" | "u32";
  readonly join: (x: Code, y: Code) => Code;
  readonly start: Code;
}

function open({ node, scope }: ReduceSpec): Opened {
  const f = new WasmFunction("combine");
  const parameters = [0, 1, 2, 3, 4, 5].map(() => f.parameter("i32"));
  const frame = new Frame(f, parameters[5], scope);
  const type = scalarType(node.inputs[0].dtype) as "f32" | "i32" | "u32";
  const { combine } = node.primitive as ReducePrimitive;
  const start = frame.constant(`start:${type}`, literal(START[combine][type], type)).get;
  return { frame, parameters, type, join: combiner(combine, type), start };
}

/** Emits the reduced value of a result and an element, given by their positions. */
function emitter({ node, stored }: ReduceSpec): (result: Index, element: Index) => Expression {
  const { axes } = node.primitive as ReducePrimitive;
  const [input] = node.inputs;
  const kept = input.shape.map((n, a) => axes.includes(a) ? 1 : n);
  const reduced = input.shape.map((n, a) => axes.includes(a) ? n : 1);
  return (result, element) => {
    const [r, e] = [unravel(result, kept), unravel(element, reduced)];
    return new Emission(stored).value(input, input.shape.map((_, a) => axes.includes(a) ? e[a] : r[a]));
  };
}

function alongElements(spec: ReduceSpec, { results, length, emit, plain }: Reduction): PartialSum {
  const result = variable("result", results);
  let inner = stretch(plain, "element", length);
  if (inner < 8) inner = length;
  const rows = length / inner;
  const value = inner === length
    ? plain
    : emit(result, add(scale(variable("row", rows), inner), variable("element", inner)));

  const { frame, parameters, join, start } = open(spec);
  const [first, count, from, to, values] = parameters;
  const { f } = frame;
  const [r, row, at, stop, last, where, end] = f.locals("i32", 7);
  const sums = f.locals("v128", SIDE_BY_SIDE);
  const loops = { lane: "element", first: at, others: new Map([["result", r], ["row", row]]) };
  const wide = new VectorWriter(frame, loops, spec.target);
  const four = new VectorWriter(frame, loops, spec.target);
  const rest = new VectorWriter(frame, { ...loops, last }, spec.target);
  const wideUpdates = sums.map((sum, s) => sum.set(join(sum.get, wide.value(value, s))));
  const fourUpdate = sums[0].set(join(sums[0].get, four.value(value)));
  const numbers = [0, 1, 2, 3].reduce<Code>((v, l) => i32x4.replaceLane(v, l, i32.const(l)), literal(0, "i32"));
  const isMeant = i32x4.leS(
    i32x4.add(i32x4.splat(at.get), frame.constant("lanes 0", numbers).get),
    i32x4.splat(last.get),
  );
  const restUpdate = sums[0].set(join(sums[0].get, v128.bitselect(rest.value(value), start, isMeant)));
  const loopOf = (writer: VectorWriter, update: Code, width: number): Code => {
    const enough = i32.leS(i32.add(at.get, i32.const(width)), stop.get);
    return control.if(enough, [
      writer.before,
      control.loop(
        writer.inside,
        update,
        at.set(i32.add(at.get, i32.const(width))),
        control.brIf(0, enough),
      ),
    ]);
  };
  const combineRow: Code = [
    loopOf(wide, wideUpdates, 4 * SIDE_BY_SIDE),
    loopOf(four, fourUpdate, 4),
    control.if(i32.ltS(at.get, stop.get), [
      last.set(i32.sub(stop.get, i32.const(1))),
      rest.before,
      rest.inside,
      restUpdate,
    ]),
  ];
  const [all] = sums;
  const swap = (bytes: readonly number[]) => v128.shuffle(all.get, all.get, bytes);
  const bytesOf = (order: readonly number[]) => order.flatMap((l) => [0, 1, 2, 3].map((b) => 4 * l + b));
  const single = inner === length;
  frame.finish(
    r.set(first.get),
    where.set(values.get),
    end.set(i32.add(first.get, count.get)),
    control.loop(
      sums.map((sum) => sum.set(start)),
      single ? [at.set(from.get), stop.set(to.get), combineRow] : [
        row.set(from.get),
        control.loop(
          at.set(i32.const(0)),
          stop.set(i32.const(inner)),
          combineRow,
          control.brIf(0, i32.ltS(row.tee(i32.add(row.get, i32.const(1))), to.get)),
        ),
      ],
      all.set(join(join(sums[0].get, sums[1].get), join(sums[2].get, sums[3].get))),
      all.set(join(all.get, swap(bytesOf([2, 3, 0, 1])))),
      all.set(join(all.get, swap(bytesOf([1, 0, 3, 2])))),
      v128.store32Lane(where.get, all.get, 0),
      where.set(i32.add(where.get, i32.const(4))),
      control.brIf(0, i32.ltS(r.tee(i32.add(r.get, i32.const(1))), end.get)),
    ),
  );
  return { f, steps: single ? length : rows, most: single ? Math.ceil(length / 64) : rows };
}

function alongResults(spec: ReduceSpec, { results, length, emit, plain }: Reduction): PartialSum {
  const element = variable("element", length);
  let inner = stretch(plain, "result", results);
  if (inner < 8) inner = results;
  const rows = results / inner;
  const value = inner === results
    ? plain
    : emit(add(scale(variable("row", rows), inner), variable("result", inner)), element);

  const { frame, parameters, join, start } = open(spec);
  const [first, count, from, to, values] = parameters;
  const { f } = frame;
  const [next, row, at, stop, last, e, end, where] = f.locals("i32", 8);
  const sums = f.locals("v128", SIDE_BY_SIDE);
  const loops = { lane: "result", first: at, others: new Map([["element", e], ["row", row]]) };
  const begin = inner === results ? i32.const(0) : i32.mul(row.get, i32.const(inner));
  /** Combines all elements of the next `4 * vectors` results. */
  const combine = (writer: VectorWriter, vectors: number): Code => {
    const updates = sums.slice(0, vectors).map((sum, s) => sum.set(join(sum.get, writer.value(value, s))));
    return [
      sums.slice(0, vectors).map((sum) => sum.set(start)),
      e.set(from.get),
      control.loop(
        writer.before,
        writer.inside,
        updates,
        control.brIf(0, i32.ltS(e.tee(i32.add(e.get, i32.const(1))), to.get)),
      ),
      where.set(i32.add(values.get, i32.shl(i32.sub(i32.add(begin, at.get), first.get), i32.const(2)))),
    ];
  };
  const store = (vectors: number): Code => [
    sums.slice(0, vectors).map((sum, s) => v128.store(where.get, sum.get, 16 * s)),
    at.set(i32.add(at.get, i32.const(4 * vectors))),
  ];
  const loopOf = (vectors: number): Code => {
    const enough = i32.leS(i32.add(at.get, i32.const(4 * vectors)), stop.get);
    const code = combine(new VectorWriter(frame, loops, spec.target), vectors);
    return control.if(enough, control.loop(code, store(vectors), control.brIf(0, enough)));
  };
  const left = i32.sub(stop.get, at.get);
  frame.finish(
    next.set(first.get),
    end.set(i32.add(first.get, count.get)),
    control.loop(
      inner === results ? [] : row.set(i32.divU(next.get, i32.const(inner))),
      at.set(i32.sub(next.get, begin)),
      stop.set(i32.sub(end.get, begin)),
      stop.set(control.select(i32.ltS(stop.get, i32.const(inner)), stop.get, i32.const(inner))),
      next.set(i32.add(begin, stop.get)),
      loopOf(SIDE_BY_SIDE),
      loopOf(1),
      control.if(i32.gtS(left, i32.const(0)), [
        last.set(i32.sub(stop.get, i32.const(1))),
        combine(new VectorWriter(frame, { ...loops, last }, spec.target), 1),
        [0, 1, 2].map((lane) =>
          control.if(i32.gtS(left, i32.const(lane)), v128.store32Lane(where.get, sums[0].get, lane, 4 * lane))
        ),
      ]),
      control.brIf(0, i32.ltS(next.get, end.get)),
    ),
  );
  return { f, steps: length, most: length };
}
