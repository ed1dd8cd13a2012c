import { assert } from "@std/assert";
import { byteLength } from "../dtype.ts";
import { pack, type Tensor, tensor, unpack } from "../mod.ts";
import { type Assignment, describePlan, type PlanDescription } from "./describe.ts";
import { isLeaf } from "./group.ts";
import type { Target } from "./lower.ts";
import { offsetsIn } from "./place.ts";

const target: Target = { kind: "software", maxBuffers: 16 };
const bytesOf = (t: Tensor) => byteLength(t.dtype, t.size);
const leaf = (...shape: number[]) => tensor(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);

/** A buffer of which it is known which word of which tensor every word of it holds. */
class Words {
  readonly words: string[];
  constructor(bytes: number, init: (i: number) => string) {
    this.words = Array.from({ length: bytes / 4 }, (_, i) => init(i));
  }
  write(at: number, words: readonly string[]): void {
    words.forEach((w, i) => this.words[at / 4 + i] = w);
  }
}

/** Runs a plan on names instead of numbers, and finds out where a kernel would read what it should not. */
function follow({ kernels, assignments, slots, slotOf, placeOf, inPlace, outputs }: PlanDescription): void {
  const ids = new Map<Tensor, number>();
  const id = (t: Tensor) => (ids.has(t) || ids.set(t, ids.size), ids.get(t)!);
  /** What each word of a tensor should be: the parts of a packed vector are the tensors that it was made of. */
  const expected = (t: Tensor): string[] => {
    const words = Array.from({ length: t.size }, (_, i) => `${id(t)}[${i}]`);
    if (t.primitive.kind !== "concat") return words;
    words.fill("0");
    const { reads } = kernels.find((k) => k.root === t)!;
    offsetsIn(t).forEach((offset, i) => expected(reads[i]).forEach((w, j) => words[offset / 4 + j] = w));
    return words;
  };
  const shared = slots.map((bytes) => new Words(bytes, () => "0"));
  const own = new Map<Tensor, Words>();
  const ownOf = (t: Tensor) => {
    if (!own.has(t)) own.set(t, new Words(bytesOf(t), (i) => isLeaf(t) ? `${id(t)}[${i}]` : "0"));
    return own.get(t)!;
  };
  const where = (t: Tensor): { memory: Words; at: number } => {
    const place = placeOf.get(t);
    const base = place?.whole ?? inPlace.get(t) ?? t;
    const slot = slotOf.get(base);
    return { memory: slot === undefined ? ownOf(base) : shared[slot], at: place?.offset ?? 0 };
  };
  const check = (t: Tensor, reader: string) => {
    const { memory, at } = where(t);
    expected(t).forEach((w, i) => {
      assert(memory.words[at / 4 + i] === w, `${reader} reads ${memory.words[at / 4 + i]} for word ${i} of ${t}: ${w}`);
    });
  };
  for (let replay = 0; replay < 2; replay++) {
    own.forEach((memory, t) => {
      if (isLeaf(t)) memory.write(0, expected(t));
    });
    for (const k of kernels) {
      const { memory, at } = where(k.root);
      if (k.kernel) {
        k.reads.forEach((t) => check(t, k.label));
        assert(k.reads.every((t) => where(t).memory !== memory || t === k.inPlace), `${k.label} reads what it writes`);
        memory.write(at, expected(k.root));
      } else {
        k.reads.forEach((t, i) => {
          check(t, k.label);
          if (placeOf.get(t)?.whole !== k.root) memory.write(at + offsetsIn(k.root)[i], expected(t));
        });
      }
    }
    for (const { value } of assignments) check(value, "the end");
    for (const t of outputs) check(t, "the caller");
  }
}

Deno.test("no kernel of a plan reads memory that another has taken, whatever is packed where", () => {
  for (let seed = 1; seed <= 40; seed++) {
    let state = seed;
    const random = (n: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % 65536 * n >> 16;
    const states = [leaf(8, 8), leaf(8, 8), leaf(64)];
    const values: Tensor[] = [leaf(8, 8), ...states.slice(0, 2)];
    const any = () => values[random(values.length)];
    for (let i = 0; i < 20; i++) {
      const [x, y] = [any(), any()];
      const kind = random(6);
      if (kind < 2) values.push(x.matmul(y));
      else if (kind === 2) values.push(x.sum(random(2), true).exp().mul(y));
      else if (kind === 3) values.push(x.exp().add(y).tanh());
      else {
        const parts = Array.from({ length: 1 + random(4) }, () => [any(), any().sum(0), any().sum([0, 1])][random(3)]);
        const align = { align: [1, 4, 64][random(3)] };
        const packed = pack([...parts, x], align);
        const last = unpack(packed, [...parts, x].map((t) => t.shape), align).at(-1)!;
        values.push(last.matmul(packed.square().sum().mul(y)));
        if (random(3) === 0) values.push(packed.sum().add(x));
      }
    }
    const updates: Assignment[] = states.slice(0, 2).map((t) => ({ target: t, value: any() }));
    const outputs = [any(), pack([any(), any().sum(0), any()], { align: 64 })].filter((t) => !isLeaf(t));
    follow(describePlan(outputs, updates.filter((a) => !isLeaf(a.value)), target));
  }
});
