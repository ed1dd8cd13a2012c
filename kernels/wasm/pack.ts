/**
 * Panels of a strided matrix: `width` lanes (rows of a first factor, columns of a second), term by term, as f32.
 *
 * A packing function takes (source, lane, term, terms, target, shared), all i32: the address of the matrix, the first lane
 * and term, their number, where the panel goes, and the kernel's shared memory, where tables of offsets may lie.
 */
import { type Code, control, i32, v128 } from "./instructions.ts";
import { type Local, WasmFunction } from "./function.ts";
import type { StorageType } from "./matmul_spec.ts";
import { ELEMENT_BYTES, elementReader, storeLanes, transpose } from "./pack_element.ts";

/** What the matrices of one factor are packed by. */
export interface Panels {
  /** Address of matrix `z`. */
  source(z: Code, buffers: Code, shared: Code): Code;
  /** The function that packs panels of `width` lanes of which the first `valid` lie in the matrix. */
  pack(width: number, valid: number): WasmFunction;
}

/** The parameters of a packing function. */
export function packingFunction(name: string) {
  const f = new WasmFunction(name);
  const [source, lane, term, terms, target, shared] = Array.from({ length: 6 }, () => f.parameter("i32"));
  return { f, source, lane, term, terms, target, shared };
}

const advance = (local: Local, bytes: number): Code => local.set(i32.add(local.get, i32.const(bytes)));

/** Code that runs `body` while at least `step` of the number in `left` are left, and takes them off. */
export function whileLeft(left: Local, step: number, body: Code): Code {
  return control.if(
    i32.geS(left.get, i32.const(step)),
    control.loop(
      body,
      control.brIf(0, i32.geS(left.tee(i32.sub(left.get, i32.const(step))), i32.const(step))),
    ),
  );
}

const known = new Map<string, WasmFunction>();

/** The packing function of a strided matrix; strides in elements from lane to lane and term to term. */
export function packStrided(
  type: StorageType,
  laneStride: number,
  termStride: number,
  width: number,
  valid: number,
): WasmFunction {
  const key = `pack_${type}_${laneStride}_${termStride}_${width}_${valid}`;
  const found = known.get(key);
  if (found) return found;
  const made = makeStrided(key, type, laneStride, termStride, width, valid);
  known.set(key, made);
  return made;
}

function makeStrided(
  name: string,
  type: StorageType,
  laneStride: number,
  termStride: number,
  width: number,
  valid: number,
): WasmFunction {
  const { f, source: at, lane, term, terms, target } = packingFunction(name);
  const size = ELEMENT_BYTES[type];
  const read = elementReader(f, type);
  const vectors = f.locals("v128", 4);
  const spare = f.locals("v128", 4);
  const groups = Array.from({ length: Math.ceil(width / 4) }, (_, g) => ({ g, count: Math.min(4, width - 4 * g) }));
  const offset = (l: number) => Math.min(l, valid - 1) * laneStride * size;
  const start = at.set(i32.add(
    at.get,
    i32.mul(
      i32.add(i32.mul(lane.get, i32.const(laneStride)), i32.mul(term.get, i32.const(termStride))),
      i32.const(size),
    ),
  ));
  const step = (count: number): Code => [advance(at, count * termStride * size), advance(target, count * width * 4)];
  const singly = (): Code =>
    whileLeft(terms, 1, [
      Array.from({ length: width }, (_, l) => v128.store32Lane(target.get, read.one(at.get, offset(l)), 0, 4 * l)),
      step(1),
    ]);
  if (laneStride === 1) {
    // Lanes beyond the matrix hold what lies behind it
    const one = (t: number): Code =>
      groups.map(({ g, count }) => [
        vectors[0].set(
          4 * g < valid ? read.four(at.get, (t * termStride + 4 * g) * size) : vectors[0].get,
        ),
        storeLanes(target.get, vectors[0].get, count, (t * width + 4 * g) * 4),
      ]);
    f.body = [start, whileLeft(terms, 4, [[0, 1, 2, 3].map(one), step(4)]), whileLeft(terms, 1, [one(0), step(1)])];
  } else if (termStride === 1) {
    const four = groups.map(({ g, count }) => [
      vectors.map((v, l) => v.set(read.four(at.get, offset(4 * g + Math.min(l, count - 1))))),
      transpose(vectors, spare),
      vectors.map((v, t) => storeLanes(target.get, v.get, count, (t * width + 4 * g) * 4)),
    ]);
    f.body = [start, whileLeft(terms, 4, [four, step(4)]), singly()];
  } else {
    f.body = [start, singly()];
  }
  return f;
}
