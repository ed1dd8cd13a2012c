/** Functions that compute and store stretches of a kernel's result: whole kernels, or the end of others. */
import { type Code, control, i32, type Local, v128, WasmFunction, type WasmTarget } from "@dipp/kernels/wasm";
import { isHalf, scalarType } from "../../dtype.ts";
import type { Tensor } from "../../tensor.ts";
import { Emission } from "../emission.ts";
import type { Expression } from "../expression.ts";
import { halfBits } from "../half.ts";
import { add, type Index, scale, unravel, variable } from "../index_expression.ts";
import { splatInteger } from "./operations.ts";
import { expressionKey } from "./expression_key.ts";
import { Frame, type WasmScope } from "./scope.ts";
import { recordReads, stretch } from "./segments.ts";
import { type Loops, VectorWriter } from "./vector.ts";

/** Stretches shorter than this are not worth a loop of their own: lanes are then addressed one by one. */
const WORTH_A_LOOP = 8;

/** What a range function computes. */
export interface RangeSpec {
  /** The tensor that is stored. */
  readonly root: Tensor;
  /** What the kernel has computed before, if anything. */
  readonly core?: Tensor | undefined;
  /** Which tensors lie in buffers. */
  stored(t: Tensor): boolean;
  /** The kernel's buffers. */
  readonly scope: WasmScope;
  /** The tensor that the result is written over. */
  readonly inPlace?: Tensor | undefined;
  /** What the machine can do. */
  readonly target: WasmTarget;
}

/** A function that is written when it is needed. */
export interface PlannedRange {
  /** Equal for functions that do the same. */
  readonly key: string;
  /**
   * Writes the function (first, count, values, buffers) that computes the elements `first` to `first + count - 1` of the
   * root, in row-major order, and stores them. `values` is the address of the core's values for these elements, 32 bits
   * each. Everything that the kernel reads must be known.
   */
  write(): WasmFunction;
}

/** Finds out what the end of a kernel, or the whole of it, reads. */
export function planRange(spec: RangeSpec): PlannedRange {
  const { root, core, stored, scope, inPlace } = spec;
  const emit = (position: Index): Expression => {
    const emission = new Emission(stored, core && { tensor: core, position: position.key });
    const value = emission.root(root, unravel(position, root.shape));
    return isHalf(root.dtype) ? halfBits(emission.pool, root.dtype, value) : value;
  };
  const i = variable("i", root.size);
  const plain = emit(i);
  recordReads(plain, scope);
  if (inPlace) scope.read(inPlace, i.key);
  return {
    key: `${root.size}:${root.dtype}:${inPlace ? scope.reads.get(inPlace) : ""}:${expressionKey(plain, scope)}`,
    write: () => writeRange(spec, plain, emit),
  };
}

function writeRange(spec: RangeSpec, plain: Expression, emit: (position: Index) => Expression): WasmFunction {
  const { root, core, scope } = spec;
  const length = stretch(plain, "i", root.size);
  const whole = length === root.size || length < WORTH_A_LOOP;
  const f = new WasmFunction("range");
  const [first, count, values, buffers] = [0, 1, 2, 3].map(() => f.parameter("i32"));
  const frame = new Frame(f, buffers, scope);
  if (whole) {
    const [at, end] = f.locals("i32", 2);
    const loops = { lane: "i", first: at, others: new Map() };
    const origin = core && i32.sub(values.get, i32.shl(first.get, i32.const(2)));
    return frame.finish(
      at.set(first.get),
      end.set(i32.add(first.get, count.get)),
      store(spec, frame, plain, loops, end, i32.const(0), origin),
    );
  }
  const rows = root.size / length;
  const split = emit(add(scale(variable("row", rows), length), variable("at", length)));
  const [next, end, row, at, stop] = f.locals("i32", 5);
  const loops = { lane: "at", first: at, others: new Map([["row", row]]) };
  const start = i32.mul(row.get, i32.const(length));
  const origin = core && i32.add(values.get, i32.shl(i32.sub(start, first.get), i32.const(2)));
  return frame.finish(
    next.set(first.get),
    end.set(i32.add(first.get, count.get)),
    control.loop(
      row.set(i32.divU(next.get, i32.const(length))),
      at.set(i32.sub(next.get, start)),
      stop.set(i32.sub(end.get, start)),
      stop.set(control.select(i32.ltS(stop.get, i32.const(length)), stop.get, i32.const(length))),
      next.set(i32.add(start, stop.get)),
      store(spec, frame, split, loops, stop, start, origin),
      control.brIf(0, i32.ltS(next.get, end.get)),
    ),
  );
}

/**
 * Computes and stores the elements from the first lane's variable up to `end`.
 *
 * @param start Position of the element at which the lane's variable is zero.
 * @param origin Address of the core's value for that element.
 */
function store(
  { root, target }: RangeSpec,
  frame: Frame,
  value: Expression,
  loops: Loops,
  end: Local,
  start: Code,
  origin: Code | undefined,
): Code {
  const { f } = frame;
  const { first: at } = loops;
  const [core, out, where, last] = f.locals("i32", 4);
  const width = isHalf(root.dtype) ? 2 : 4;
  const shift = i32.const(width === 2 ? 1 : 2);
  const coreVector = () => v128.load(i32.add(core.get, i32.shl(at.get, i32.const(2))));
  const stored = (writer: VectorWriter): Code => {
    const vector = writer.value(value);
    if (width === 2) return v128.shuffle(vector, vector, HALVES);
    return scalarType(root.dtype) === "bool" ? v128.and(vector, splatInteger(1)) : vector;
  };
  const main = new VectorWriter(frame, loops, target, coreVector);
  const vector = stored(main);
  const rest = new VectorWriter(frame, { ...loops, last }, target, coreVector);
  const result = f.local("v128");
  const restVector = stored(rest);
  // Lanes 0 to 2 of what is left; 16-bit numbers lie in the order of the vector's halves of words
  const storeLane = (lane: number): Code =>
    width === 4 ? v128.store32Lane(where.get, result.get, lane, 4 * lane) : i32.store16(
      where.get,
      i32.shrU(i32.extractLane(result.get, lane >> 1), i32.const(16 * (lane & 1))),
      2 * lane,
    );
  const left = i32.sub(end.get, at.get);
  const storeRest = [0, 1, 2].map((lane) => control.if(i32.gtS(left, i32.const(lane)), storeLane(lane)));
  const place = where.set(i32.add(out.get, i32.shl(at.get, shift)));
  const enough = i32.leS(i32.add(at.get, i32.const(4)), end.get);
  return [
    out.set(i32.add(frame.output().get, i32.shl(start, shift))),
    origin === undefined ? [] : core.set(origin),
    control.if(enough, [
      main.before,
      control.loop(
        main.inside,
        place,
        width === 2 ? v128.store64Lane(where.get, vector, 0) : v128.store(where.get, vector),
        at.set(i32.add(at.get, i32.const(4))),
        control.brIf(0, enough),
      ),
    ]),
    control.if(i32.ltS(at.get, end.get), [
      last.set(i32.sub(end.get, i32.const(1))),
      rest.before,
      rest.inside,
      result.set(restVector),
      place,
      storeRest,
    ]),
  ];
}

/** Bytes of four 16-bit numbers in the lower halves of four lanes, brought together. */
const HALVES = [0, 1, 4, 5, 8, 9, 12, 13, 0, 1, 4, 5, 8, 9, 12, 13];
