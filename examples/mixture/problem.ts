/** Two classes of Gaussians in the plane: what the teacher knows, exactly, and what the reward likes. */
import { indexSelect, softmax, type Tensor, tensor } from "@dipp/tensor";
import { EDMSchedule, noiseLevel, predictionFromX0, type ScoreModel } from "@dipp/scores";
import type { Reward } from "@dipp/rewards";

/** One Gaussian of the mixture; all are round and equally likely within their class. */
export interface Mode {
  /** Its centre. */
  readonly at: readonly [number, number];
  /** Whether the condition asks for it. */
  readonly isAskedFor: boolean;
}

/** Standard deviation of a mode. */
export const MODE_STD = 0.16;

/** Three modes of the class that the generator draws, and three of the other, which guidance pushes away from. */
export const MODES: readonly Mode[] = [
  { at: [-1.1, 0.7], isAskedFor: true },
  { at: [0.1, 1.1], isAskedFor: true },
  { at: [1.1, 0.2], isAskedFor: true },
  { at: [-1.0, -0.3], isAskedFor: false },
  { at: [-0.1, 0.1], isAskedFor: false },
  { at: [0.6, -0.8], isAskedFor: false },
];

/** The forward process. */
export const SCHEDULE: EDMSchedule = new EDMSchedule();

/** The condition (id 1) or the null condition (id 0) of `rows` samples. */
export function condition(id: 0 | 1, rows: number): { ids: Tensor } {
  return { ids: tensor(new Int32Array(rows).fill(id), [rows, 1]) };
}

/** The exact denoiser of the noised mixture: of the asked-for modes under id 1, of all of them under id 0. */
export function mixtureTeacher(): ScoreModel {
  const centres = tensor(MODES.flatMap(({ at }) => [...at]), [MODES.length, 2]);
  const logWeights = tensor(
    [...MODES.map(() => 0), ...MODES.map(({ isAskedFor }) => isAskedFor ? 0 : -1e4)],
    [2, MODES.length],
  );
  return {
    schedule: SCHEDULE,
    predict(xt, t, { ids }) {
      const level = noiseLevel(SCHEDULE, t);
      const total = level.sigma.square().add(MODE_STD ** 2).unsqueeze(1);
      const squares = xt.unsqueeze(1).sub(centres).square().sum(2);
      const share = softmax(indexSelect(logWeights, 0, ids!.flatten(0)).sub(squares.div(total.mul(2))), 1);
      const kept = total.reciprocal().mul(MODE_STD ** 2);
      const x0 = xt.mul(kept).add(share.matmul(centres).mul(kept.neg().add(1)));
      return predictionFromX0(xt, x0, level);
    },
  };
}

/** Likes what is on the right: the first coordinate, up to 1.4. */
export const RIGHTWARD: Reward = {
  score: (x) => x.slice([null, [0, 1]]).squeeze(1).clamp(undefined, 1.4),
};

/** What became of the samples. */
export interface Census {
  /** Share of the samples within three standard deviations of each asked-for mode. */
  readonly modes: readonly number[];
  /** Share within three standard deviations of a mode of the other class. */
  readonly wrong: number;
  /** Their standard deviation around the mode that they are at, in units of the mode's own. */
  readonly spread: number;
  /** Mean reward. */
  readonly reward: number;
}

/** Counts where samples `[N, 2]` are. */
export function census(samples: Float32Array): Census {
  const counts = MODES.map(() => 0);
  let squares = 0, reward = 0;
  const n = samples.length / 2;
  for (let i = 0; i < n; i++) {
    const [x, y] = samples.subarray(2 * i, 2 * i + 2);
    const distances = MODES.map(({ at }) => Math.hypot(x - at[0], y - at[1]));
    const nearest = distances.indexOf(Math.min(...distances));
    reward += Math.min(x, 1.4) / n;
    if (distances[nearest] > 3 * MODE_STD) continue;
    counts[nearest]++;
    squares += distances[nearest] ** 2 / 2;
  }
  const found = counts.reduce((a, b) => a + b);
  const share = (isAskedFor: boolean) => MODES.flatMap((m, k) => m.isAskedFor === isAskedFor ? [counts[k] / n] : []);
  return {
    modes: share(true),
    wrong: share(false).reduce((a, b) => a + b),
    spread: found === 0 ? 0 : Math.sqrt(squares / found) / MODE_STD,
    reward,
  };
}
