/** The split of the names into those for training and those held out. */
import { hashText } from "./counter_random.ts";
import { words } from "./vocabulary.ts";

/** Names in training that each word of a held-out name must still occur in, at least. */
const LEAST_USES = 2;

/** The part of a word's names that may be held out, at most. */
const LARGEST_LOSS = 0.4;

/**
 * Chooses the names that are held out, as indices in ascending order: those with the smallest hashes, so the choice
 * depends on the set of names alone; but only names whose every word also occurs in two names that stay in training,
 * and no word loses more than two fifths of its names. A prompt made of words that no model has met would measure
 * nothing, and what a word met once means is a guess.
 *
 * @param names The names.
 * @param fraction How many to hold out, at most, as a part of them.
 */
export function chooseHeldOut(
  names: readonly string[],
  fraction: number,
): number[] {
  const parts = names.map((name) => [...new Set(words(name))]);
  const uses = new Map<string, number>();
  for (const word of parts.flat()) uses.set(word, (uses.get(word) ?? 0) + 1);
  const least = new Map(
    [...uses].map((
      [word, n],
    ) => [word, Math.max(LEAST_USES, (1 - LARGEST_LOSS) * n)]),
  );
  const byHash = names.map((name, index) => ({
    name,
    index,
    hash: hashText(name),
  }))
    .sort((a, b) => a.hash - b.hash || (a.name < b.name ? -1 : 1));
  const quota = Math.round(fraction * names.length);
  const chosen: number[] = [];
  for (const { index } of byHash) {
    if (chosen.length >= quota) break;
    if (
      parts[index].length === 0 ||
      parts[index].some((word) => uses.get(word)! - 1 < least.get(word)!)
    ) continue;
    for (const word of parts[index]) uses.set(word, uses.get(word)! - 1);
    chosen.push(index);
  }
  return chosen.sort((a, b) => a - b);
}
