/** Random numbers of which each case has its own: case 17 of a seed is the same, whatever ran before. */
export class Random {
  #state: number;

  /**
   * @param seed The seed of the run.
   * @param stream The case.
   */
  constructor(seed: number, stream: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0;
  }

  /** 32 random bits: a Weyl sequence through the finaliser of MurmurHash3. */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ x >>> 16, 0x85ebca6b);
    x = Math.imul(x ^ x >>> 13, 0xc2b2ae35);
    return (x ^ x >>> 16) >>> 0;
  }

  /** An integer from 0 to n - 1. */
  below(n: number): number {
    return Math.floor(this.bits() / 2 ** 32 * n);
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}
