/** An interval of the jackknife. */
export interface JackknifeInterval {
  /** The statistic of all units. */
  readonly estimate: number;
  /** Lower end. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
  /** The jackknife's standard error. */
  readonly stderr: number;
  /** Coverage, for instance 0.95. */
  readonly level: number;
  /** Number of groups that were left out, one after the other. */
  readonly groups: number;
}

/** Settings of {@linkcode jackknife}. */
export interface JackknifeOptions {
  /** Number of groups; 20 by default, fewer where there are fewer units. */
  readonly groups?: number;
  /** Coverage; 0.95 by default. */
  readonly level?: number;
}

/**
 * Delete-a-group jackknife, for statistics that a repeated unit spoils: distances between sets of images, neighbours,
 * entropies. Where the bootstrap draws with replacement, and so finds every other image twice, this leaves one group of
 * units out at a time. Groups may differ in size by one (Busing, Meijer and van der Leeden 1999, section 2); the
 * interval is Student's with one degree of freedom less than there are groups.
 *
 * @param units number of units; group g holds the units g, g + groups, g + 2 groups, ...
 * @param statistic the number of a list of unit indices; it is called with all of them first
 * @param options groups, level
 * @returns estimate, interval and standard error
 * @throws {RangeError} when there are fewer than two units or groups, or the level is not between 0 and 1
 *
 * @example The mean's standard error
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { jackknife } from "@dipp/metrics";
 *
 * const values = [1, 2, 3, 4, 5];
 * const { stderr } = jackknife(5, (chosen) => chosen.reduce((sum, i) => sum + values[i], 0) / chosen.length);
 * assertAlmostEquals(stderr, Math.sqrt(2.5 / 5), 1e-12);
 * ```
 */
export function jackknife(
  units: number,
  statistic: (chosen: number[]) => number,
  { groups: most = 20, level = 0.95 }: JackknifeOptions = {},
): JackknifeInterval {
  if (!Number.isInteger(units) || units < 2) throw new RangeError(`Jackknife units are ${units}, expected at least 2`);
  if (!Number.isInteger(most) || most < 2) throw new RangeError(`Jackknife groups are ${most}, expected at least 2`);
  if (!(level > 0 && level < 1)) throw new RangeError(`Jackknife level is ${level}, expected 0 < level < 1`);
  const groups = Math.min(most, units);
  const all = Array.from({ length: units }, (_, i) => i);
  const estimate = statistic(all);
  const parts = Array.from({ length: groups }, (_, g) => {
    const rest = all.filter((i) => i % groups !== g);
    return { without: statistic(rest), share: units / (units - rest.length) };
  });
  const center = parts.reduce((sum, { without, share }) => sum + estimate - (1 - 1 / share) * without, 0);
  const squares = parts.reduce((sum, { without, share }) => {
    const pseudo = share * estimate - (share - 1) * without;
    return sum + (pseudo - center) ** 2 / (share - 1);
  }, 0);
  const stderr = Math.sqrt(squares / groups);
  const reach = studentQuantile(groups - 1, level) * stderr;
  return { estimate, low: estimate - reach, high: estimate + reach, stderr, level, groups };
}

/**
 * How far from zero Student's t reaches with a probability.
 *
 * @param degrees degrees of freedom, a positive integer
 * @param level probability of being nearer to zero
 * @returns the distance
 *
 * @example The table's 2.093
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { studentQuantile } from "@dipp/metrics";
 *
 * assertAlmostEquals(studentQuantile(19, 0.95), 2.093, 5e-4);
 * ```
 */
export function studentQuantile(degrees: number, level: number): number {
  // In the angle the range is finite: t = sqrt(degrees) tan(angle)
  let [low, high] = [0, Math.PI / 2];
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (withinAngle(degrees, middle) < level) low = middle;
    else high = middle;
  }
  return Math.sqrt(degrees) * Math.tan(low);
}

/** P(|t| < sqrt(degrees) tan(angle)): Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function withinAngle(degrees: number, angle: number): number {
  const sin = Math.sin(angle), cos = Math.cos(angle);
  const isOdd = degrees % 2 === 1;
  let term = isOdd ? cos : 1, sum = degrees === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= cos * cos * (k - 1) / k;
    sum += term;
  }
  return isOdd ? 2 / Math.PI * (angle + sin * sum) : sin * sum;
}
