import { type Area, Skipped } from "./area.ts";
import { compare, type Comparison } from "./compare.ts";
import type { CaseRef } from "./discover.ts";

/** What became of a case. */
export interface Result {
  /** Its path. */
  readonly case: string;
  /** Its area. */
  readonly area: string;
  /** Skipped: nothing here computes it. */
  readonly status: "passed" | "failed" | "skipped";
  /** Why it was skipped, or what went wrong before anything could be compared. */
  readonly reason?: string;
  /** Its tensors, where they were compared. */
  readonly tensors: readonly Comparison[];
}

/**
 * Runs one case. It never throws: what goes wrong is the case's failure.
 *
 * @param ref The case.
 * @param areas What computes the cases of each area.
 * @returns What became of it.
 */
export async function runCase(ref: CaseRef, areas: Readonly<Record<string, Area>>): Promise<Result> {
  const result = { case: ref.path, area: ref.area };
  try {
    const one = ref.read();
    if (!Object.hasOwn(areas, ref.area)) throw new Skipped(`nothing here computes the area "${ref.area}"`);
    const tensors = await compare(one, await areas[ref.area](one));
    return { ...result, status: tensors.every(({ passed }) => passed) ? "passed" : "failed", tensors };
  } catch (error) {
    const status = error instanceof Skipped ? "skipped" : "failed";
    return { ...result, status, reason: error instanceof Error ? error.message : String(error), tensors: [] };
  }
}
