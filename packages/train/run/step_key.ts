/** Random keys of a run. */
import { type Tensor, tensor } from "@dipp/tensor";

/** What randomness is for; each use has a stream of its own. */
export const STREAM = { init: 1, step: 2, samples: 3, evaluation: 4 } as const;

/**
 * The key of a seed, a stream and a step: the counter-based generator makes
 * independent numbers of different keys, so a run has no random state.
 *
 * @param seed The run's seed.
 * @param stream What it is for, one of {@linkcode STREAM}.
 * @param step Which step.
 * @returns u32 `[2]`, ready to be the input of a compiled step.
 */
export function stepKey(seed: number, stream: number, step: number): Tensor {
  const mixed = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b) ^ Math.floor(seed / 2 ** 32);
  return tensor(Uint32Array.of(mixed >>> 0, step));
}
