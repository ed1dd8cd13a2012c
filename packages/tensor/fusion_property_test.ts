// Fusion changes nothing: random graphs, computed as a whole and op by op.

import { assert } from "@std/assert";
import { cat, realize, softmax, type Tensor, tensor, vjp, where } from "./mod.ts";
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
  (x, dice) => x.reshape(dice.pick([[2, 12], [4, 6], [2, 3, 4], [24], [3, 1, 8]])),
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

/** Grows a graph; `each` sees every new tensor. */
async function grow(seed: number, each: (t: Tensor) => Promise<unknown>): Promise<Tensor[]> {
  const dice = new Dice(seed);
  const leaf = dice.leaf([4, 6]);
  const pool = [leaf];
  for (let i = 0; i < 12; i++) {
    // Late tensors more often: deep graphs, with readers at several depths
    const at = Math.max(dice.roll(pool.length), dice.roll(pool.length));
    const next = dice.pick(OPS)(pool[at], dice, pool);
    await each(next);
    pool.push(next);
  }
  const ends = pool.slice(-3);
  const cotangents = ends.map((t) => dice.leaf([...t.shape]));
  return [...ends, ...vjp(ends, cotangents, [leaf])];
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  Deno.test(`a random graph is the same fused and op by op (seed ${seed})`, async () => {
    const fused = await grow(seed, () => Promise.resolve());
    const steps = await grow(seed, (t) => t.realize());
    await realize(...fused, ...steps);
    for (const [k, t] of fused.entries()) {
      const { max } = relativeError(await t.data(), await steps[k].data());
      assert(max < 2e-5, `tensor ${k} of ${fused.length} differs by ${max}`);
    }
  });
}
