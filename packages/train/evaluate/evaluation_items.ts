/** What is drawn: each prompt some times, from seeds that depend on nothing else. */
import type { PromptSet } from "./prompt_set.ts";

/** One image to be. */
export interface EvaluationItem {
  /** Its place in the report, from 0. */
  readonly index: number;
  /** The prompt. */
  readonly prompt: string;
  /** Which image of the prompt, from 0. */
  readonly copy: number;
  /** Random stream of its noise: a hash of prompt and copy, so the same in every set that has the prompt. */
  readonly stream: number;
  /** The prompt's style, where the set has styles. */
  readonly style?: string;
}

/**
 * The images of an evaluation.
 *
 * @param set The prompts.
 * @param copies Images of each.
 * @returns Items, prompt by prompt; a prompt that comes again goes on counting copies.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { evaluationItems } from "./evaluation_items.ts";
 * import { promptSet } from "./prompt_set.ts";
 *
 * const items = evaluationItems(promptSet("mine", ["red apple", "pear"]), 2);
 * assertEquals(items.map(({ prompt, copy }) => `${prompt} ${copy}`), ["red apple 0", "red apple 1", "pear 0", "pear 1"]);
 * ```
 */
export function evaluationItems(set: PromptSet, copies: number): EvaluationItem[] {
  const seen = new Map<string, number>();
  return set.prompts.flatMap((prompt, i) =>
    Array.from({ length: copies }, (_, k): EvaluationItem => {
      const copy = seen.get(prompt) ?? 0;
      seen.set(prompt, copy + 1);
      const style = set.styles?.[i];
      return {
        index: i * copies + k,
        prompt,
        copy,
        stream: fnv1a(`${prompt}\n${copy}`),
        ...(style === undefined ? {} : { style }),
      };
    })
  );
}

/** FNV-1a of UTF-8 in 32 bits (Fowler, Noll and Vo). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
