/** Counter-based random numbers: the same key gives the same numbers, in any order, on any device. */
import { foldBits, randomBits } from "../primitives/generate.ts";
import { type Shape, show } from "../shape.ts";
import { tensor } from "../creation.ts";
import { Tensor } from "../tensor.ts";

/**
 * A key for random numbers.
 *
 * @param seed A non-negative integer below 2^53.
 * @returns u32 [2].
 */
export function key(seed: number): Tensor {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(
      `Cannot make a key of seed ${seed}: expected an integer in [0, 2^53)`,
    );
  }
  return tensor(Uint32Array.of(seed >>> 0, Math.floor(seed / 2 ** 32)));
}

/**
 * A child key, independent of its parent and of its siblings.
 *
 * @param parent A key.
 * @param n Which child.
 */
export function fold(parent: Tensor, n: number): Tensor {
  const counter = tensor(Uint32Array.of(n));
  return new Tensor(foldBits(parent, counter), [parent, counter], [2], "u32");
}

function bits(key: Tensor, shape: Shape, lane: 0 | 1): Tensor {
  if (key.dtype !== "u32" || key.size !== 2) {
    throw new TypeError(
      `Cannot draw random numbers with ${key}: expected a key, u32 [2]`,
    );
  }
  return new Tensor(randomBits(key, lane), [key], [...shape], "u32");
}

/** Uniform in (0, 1], never zero, 24 bits. */
function unit(word: Tensor): Tensor {
  return word.floorDivide(256).cast("f32").add(1).mul(2 ** -24);
}

/** Independent samples of the uniform distribution on [low, high). */
export function uniform(key: Tensor, shape: Shape, low = 0, high = 1): Tensor {
  const u = unit(bits(key, shape, 0)).sub(2 ** -24);
  return low === 0 && high === 1 ? u : u.mul(high - low).add(low);
}

/** Independent samples of the standard normal distribution (Box-Muller). */
export function randn(key: Tensor, shape: Shape): Tensor {
  const radius = unit(bits(key, shape, 0)).log().mul(-2).sqrt();
  return radius.mul(unit(bits(key, shape, 1)).mul(2 * Math.PI).cos());
}

/** Independent integers, uniform on [low, high), i32. */
export function randint(
  key: Tensor,
  shape: Shape,
  low: number,
  high: number,
): Tensor {
  if (!(high > low)) {
    throw new RangeError(
      `Cannot draw integers from ${show([low, high])}: expected low < high`,
    );
  }
  return uniform(key, shape).mul(high - low).floor().minimum(high - low - 1)
    .add(low).cast("i32");
}
