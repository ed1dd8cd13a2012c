/** Pseudo-random choices that a seed determines (Numerical Recipes' linear congruential generator). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2654435761 + 12345) >>> 0;
    for (let i = 0; i < 4; i++) this.roll(2);
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

  /** The same items in another order. */
  shuffle<T>(list: readonly T[]): T[] {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.roll(i + 1);
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }
}
