/**
 * Panels of a matrix whose elements lie at a sum of two offsets, one of the lane and one of the term, each from a table of
 * bytes in shared memory. Where four neighbours turn out to lie together they are read as one vector.
 */
import { type Code, control, i32, v128 } from "./instructions.ts";
import type { Local, WasmFunction } from "./function.ts";
import type { StorageType } from "./matmul_spec.ts";
import { packingFunction, whileLeft } from "./pack.ts";
import { ELEMENT_BYTES, elementReader, storeLanes, transpose } from "./pack_element.ts";

/** A matrix by its tables. */
export interface Gathered {
  /** How its elements are stored. */
  readonly type: StorageType;
  /** Where in shared memory the offsets of lanes begin; repeated up to a multiple of 8. */
  readonly lanes: number;
  /** Where those of terms begin. */
  readonly terms: number;
  /** Which neighbours lie together as a rule: those of lanes or of terms. */
  readonly runs: "lanes" | "terms";
}

/** The packing function of such a matrix, for panels of `width` lanes. */
export function packGathered(matrix: Gathered, width: number): WasmFunction {
  const { type, runs } = matrix;
  const { f, source, lane, term, terms, target, shared } = packingFunction(`gather_${type}_${runs}_${width}`);
  const size = ELEMENT_BYTES[type];
  const [table, termTable, left, to, offset] = f.locals("i32", 5);
  const from = f.locals("i32", 4);
  const read = elementReader(f, type);
  const [vectors, spare] = [f.locals("v128", 4), f.locals("v128", 4)];
  const c4 = i32.const;
  const step = (count: number): Code => [
    table.set(i32.add(table.get, c4(4 * count))),
    to.set(i32.add(to.get, c4(4 * width * count))),
  ];
  const at = (l: number): Code => i32.add(from[l].get, offset.get);
  const together = (first: Code, last: Code): Code => i32.eq(i32.sub(last, first), c4(3 * size));

  const group = (g: number): Code => {
    const count = Math.min(4, width - 4 * g);
    const used = from.slice(0, count);
    const begin: Code = [
      used.map((local, l) =>
        local.set(i32.add(source.get, i32.load(i32.add(lane.get, shared.get), matrix.lanes + 16 * g + 4 * l)))
      ),
      table.set(termTable.get),
      left.set(terms.get),
      to.set(i32.add(target.get, c4(16 * g))),
    ];
    const single = (t: number): Code => [
      offset.set(i32.load(table.get, 4 * t)),
      used.map((_, l) => v128.store32Lane(to.get, read.one(at(l)), 0, 4 * (width * t + l))),
    ];
    const singly = whileLeft(left, 1, [single(0), step(1)]);
    if (runs === "lanes") {
      const one = (t: number): Code => [
        offset.set(i32.load(table.get, 4 * t)),
        vectors[0].set(read.four(at(0))),
        storeLanes(to.get, vectors[0].get, count, 4 * width * t),
      ];
      const all: Code = [whileLeft(left, 4, [[0, 1, 2, 3].map(one), step(4)]), whileLeft(left, 1, [one(0), step(1)])];
      return [begin, count === 4 ? control.if(together(from[0].get, from[3].get), all, singly) : singly];
    }
    const four: Code = [
      vectors.map((v: Local, l) => v.set(read.four(at(Math.min(l, count - 1))))),
      transpose(vectors, spare),
      vectors.map((v: Local, t) => storeLanes(to.get, v.get, count, 4 * width * t)),
    ];
    return [
      begin,
      whileLeft(left, 4, [
        offset.set(i32.load(table.get)),
        control.if(together(offset.get, i32.load(table.get, 12)), four, [0, 1, 2, 3].map(single)),
        step(4),
      ]),
      singly,
    ];
  };
  f.body = [
    lane.set(i32.mul(lane.get, c4(4))),
    termTable.set(i32.add(i32.add(shared.get, c4(matrix.terms)), i32.mul(term.get, c4(4)))),
    Array.from({ length: Math.ceil(width / 4) }, (_, g) => group(g)),
  ];
  return f;
}
