// Fusion changes nothing: random graphs, computed as a whole, op by op, and in a
// compiled step.

import { assert } from "@std/assert";
import { cat, compile, init, realize, softmax, type Tensor, tensor, vjp, where } from "./mod.ts";
import { relativeError } from "./testing.ts";

/** A small generator of pseudo-random integers (Numerical Recipes' LCG). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2654435761 + 12345) >>> 0;
  }

  /** An integer in [0, n). */
  roll(n: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * n);
  }

  /** One of several. */
  pick<T>(list: readonly T[]): T {
    return list[this.roll(list.length)];
  }

  /** A tensor with elements in [-1, 1). */
  leaf(shape: number[]): Tensor {
    const size = shape.reduce((a, b) => a * b, 1);
    return tensor(Float32Array.from({ length: size }, () => this.roll(2000) / 1000 - 1), shape);
  }
}

/** Takes a tensor and others made before it; gives a tensor, values of order one. */
type Op = (x: Tensor, dice: Dice, pool: readonly Tensor[]) => Tensor;

/** What a tensor may be reshaped to: sizes that four divides, and not. */
const SHAPES: Record<number, number[][]> = {
  24: [[2, 12], [4, 6], [2, 3, 4], [24], [3, 1, 8]],
  35: [[5, 7], [7, 5], [35], [7, 1, 5]],
  64: [[8, 8], [4, 4, 4], [2, 32], [64]],
};

const partner = (x: Tensor, dice: Dice, pool: readonly Tensor[]): Tensor =>
  dice.pick([...pool.filter((t) => `${t.shape}` === `${x.shape}`), x]);

const OPS: Op[] = [
  (x) => x.tanh(),
  (x) => x.sigmoid().sub(0.5),
  (x) => x.mul(0.5).add(0.25),
  (x) => x.square().mul(-1).exp(),
  (x, dice, pool) => x.add(partner(x, dice, pool)).mul(0.5),
  (x, dice, pool) => x.mul(partner(x, dice, pool)),
  (x, dice, pool) => where(x.gt(partner(x, dice, pool)), x, x.neg()),
  (x, dice, pool) => x.maximum(partner(x, dice, pool)),
  (x, dice) => {
    const axes = x.shape.map((_, i) => i);
    for (let i = axes.length - 1; i > 0; i--) {
      const j = dice.roll(i + 1);
      [axes[i], axes[j]] = [axes[j], axes[i]];
    }
    return x.permute(axes);
  },
  (x, dice) => x.reshape(dice.pick(SHAPES[x.size])),
  (x, dice) => x.flip(dice.roll(x.ndim)),
  (x, dice) => {
    const axis = dice.roll(x.ndim);
    const n = x.shape[axis];
    const shift = dice.roll(n);
    const part = (from: number, to: number) => x.slice(x.shape.map((_, i) => i === axis ? [from, to] : null));
    return shift === 0 ? x : cat([part(shift, n), part(0, shift)], axis);
  },
  (x, dice) => {
    const pads = x.shape.map(() => [dice.roll(2), dice.roll(3)] as const);
    const padded = x.pad(pads, 0.5).mul(1.5);
    return padded.slice(pads.map(([b], i) => [b === 0 ? 0 : b - 1, (b === 0 ? 0 : b - 1) + x.shape[i]]));
  },
  (x, dice) => x.sub(x.mean(dice.roll(x.ndim), true)),
  (x, dice) => x.add(x.max(dice.roll(x.ndim), true)).mul(0.5),
  (x, dice) => softmax(x, dice.roll(x.ndim)).mul(2),
  (x, dice) => x.mul(x.square().sum(dice.roll(x.ndim), true).add(1).rsqrt()),
  (x, dice) => {
    const k = x.shape[x.ndim - 1];
    return x.matmul(dice.leaf([k, k])).div(Math.sqrt(k));
  },
  (x) => x.ndim < 2 ? x : x.matmul(x.transpose(-1, -2)).matmul(x).mul(0.1),
];

/** A graph: every tensor in the order of its making, its ends, and their gradient in the leaf. */
function grow(seed: number, leaf: Tensor): { all: Tensor[]; ends: Tensor[] } {
  const dice = new Dice(seed);
  const all = [leaf];
  for (let i = 0; i < 12; i++) {
    // Late tensors more often: deep graphs, with readers at several depths
    const at = Math.max(dice.roll(all.length), dice.roll(all.length));
    all.push(dice.pick(OPS)(all[at], dice, all));
  }
  const ends = all.slice(-3);
  const cotangents = ends.map((t) => dice.leaf([...t.shape]));
  return { all, ends: [...ends, ...vjp(ends, cotangents, [leaf])] };
}

async function assertSame(actual: readonly Tensor[], expected: readonly Tensor[], how: string): Promise<void> {
  for (const [k, t] of actual.entries()) {
    const { max } = relativeError(await t.data(), await expected[k].data());
    assert(max < 2e-5, `${how}, tensor ${k} of ${actual.length} differs by ${max}`);
  }
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  Deno.test(`a random graph is the same fused, op by op and compiled (seed ${seed})`, async () => {
    await init();
    const shape = SHAPES[[24, 35, 64][seed % 3]][0];
    const [first, second] = [new Dice(-seed).leaf(shape), new Dice(-seed - 100).leaf(shape)];
    const fused = grow(seed, first).ends;
    await realize(...fused);

    const steps = grow(seed, first);
    for (const t of steps.all) await t.realize();
    await assertSame(fused, steps.ends, "Op by op");

    const step = compile(({ x }: { x: Tensor }) => grow(seed, x).ends);
    step({ x: second });
    await assertSame(step({ x: first }), fused, "Compiled");
  });
}
