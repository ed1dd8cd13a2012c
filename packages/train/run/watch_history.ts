/** What was measured in the course of a run, and whether the reward is being hacked: pure functions of numbers. */

/** One look at the generator. */
export interface WatchPoint {
  /** Steps done. */
  readonly step: number;
  /** Numbers by name; null where the images do not give one. */
  readonly metrics: Readonly<Record<string, number | null>>;
  /** For the reward that is trained on and what is held out: the number of each prompt, in their order. */
  readonly per_prompt: Readonly<Record<string, readonly number[]>>;
}

/** What is looked for. */
export interface WatchRule {
  /** The metric that is trained on; null where there is none. */
  readonly training: string | null;
  /** The metric that tells whether its rise is real; null for none. */
  readonly heldOut: string | null;
  /** End the run once the two have been parted for so many looks; null for never. */
  readonly parted: number | null;
  /** End the run once a metric is below this share of what it was at the start. */
  readonly below: Readonly<Record<string, number>>;
}

/** Where the reward that is trained on and what is held out part. */
export interface Parting {
  /** The last step at which what is held out was at its highest. */
  readonly step: number;
  /** Looks since then, in a row up to the last, at which the two were apart. */
  readonly looks: number;
}

/**
 * Finds where the reward and what is held out part: the look at which the held-out number is at its highest, if at the
 * last look it lies below that by more than the standard error of the difference, while the reward lies above its own
 * number there. All looks are at the same prompts and noise, so differences are taken prompt by prompt.
 *
 * @param history The looks, in their order.
 * @param rule What to look at.
 * @returns The parting; undefined where the two have not parted, or have met again.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { partingOf } from "./watch_history.ts";
 *
 * const look = (step: number, reward: number, taste: number) => ({
 *   step,
 *   metrics: { reward, taste },
 *   per_prompt: { reward: [reward, reward + 1], taste: [taste, taste + 1] },
 * });
 * const history = [look(0, 1, 1), look(10, 2, 3), look(20, 3, 2), look(30, 4, 1)];
 * const rule = { training: "reward", heldOut: "taste", parted: 3, below: {} };
 * assertEquals(partingOf(history, rule), { step: 10, looks: 2 });
 * ```
 */
export function partingOf(
  history: readonly WatchPoint[],
  { training, heldOut }: Pick<WatchRule, "training" | "heldOut">,
): Parting | undefined {
  if (training === null || heldOut === null || history.length === 0) return undefined;
  let best = history[0], looks = 0;
  for (const point of history.slice(1)) {
    const held = difference(point, best, heldOut), gained = difference(point, best, training);
    if (held.mean > 0) [best, looks] = [point, 0];
    else looks = held.mean < -held.stderr && gained.mean > 0 ? looks + 1 : 0;
  }
  return looks > 0 ? { step: best.step, looks } : undefined;
}

/**
 * Says why a run should end.
 *
 * @param history The looks so far.
 * @param rule What to end for.
 * @returns The reason, in words; undefined where there is none.
 */
export function reasonToStop(history: readonly WatchPoint[], rule: WatchRule): string | undefined {
  const low = lowMetric(history, history.length - 1, rule);
  if (low !== undefined) {
    const { name, value, start } = low;
    return `${name} is ${short(value)}, below ${rule.below[name]} of the ${short(start)} that it began with`;
  }
  const parting = partingOf(history, rule);
  if (rule.parted === null || parting === undefined || parting.looks < rule.parted) return undefined;
  return `${rule.training} has risen and ${rule.heldOut} fallen since step ${parting.step}, for ${parting.looks} looks`;
}

/**
 * The look to go back to: the one at which what is held out is at its highest, the last one where nothing is held out;
 * none at which a metric is too low, unless it is the first.
 *
 * @param history The looks.
 * @param rule What counts.
 * @returns Its place in the history.
 */
export function bestLook(history: readonly WatchPoint[], rule: WatchRule): number {
  let best = 0;
  for (let i = 1; i < history.length; i++) {
    if (lowMetric(history, i, rule) !== undefined) continue;
    if (rule.heldOut === null || difference(history[i], history[best], rule.heldOut).mean > 0) best = i;
  }
  return best;
}

function lowMetric(
  history: readonly WatchPoint[],
  at: number,
  { below }: WatchRule,
): { name: string; value: number; start: number } | undefined {
  for (const [name, share] of Object.entries(below)) {
    const value = history[at].metrics[name], start = history[0].metrics[name];
    if (value != null && start != null && value < share * start) return { name, value, start };
  }
  return undefined;
}

/** Mean and standard error of the differences of a metric, prompt by prompt. */
function difference(now: WatchPoint, before: WatchPoint, metric: string): { mean: number; stderr: number } {
  const [a, b] = [now, before].map((point) => point.per_prompt[metric]);
  const gaps = a.map((x, i) => x - b[i]), count = gaps.length;
  const mean = gaps.reduce((sum, x) => sum + x, 0) / count;
  const variance = gaps.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, count - 1);
  return { mean, stderr: Math.sqrt(variance / count) };
}

function short(value: number): string {
  return `${Number(value.toPrecision(3))}`;
}
