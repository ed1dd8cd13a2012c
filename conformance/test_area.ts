import { init } from "@dipp/tensor";
import { guardDevice } from "@dipp/tensor/testing_device";
import { assert, assertEquals } from "@std/assert";
import { AREAS } from "./areas.ts";
import { type CaseRef, discover } from "./discover.ts";
import { lineOf } from "./report.ts";
import { runCase } from "./run.ts";

const ROOT = new URL("../testdata", import.meta.url).pathname;

/** The cases of an area in testdata. */
export function testdataCases(area: string): CaseRef[] {
  return discover(ROOT).filter((one) => one.area === area);
}

/**
 * Registers a test for every case of an area in testdata.
 *
 * @param area The area.
 * @param skipped How the paths begin of the cases that nothing computes; one of these that is computed is a failure
 *   too, so that the list stays true.
 */
export async function testArea(area: string, skipped: readonly string[] = []): Promise<void> {
  await init();
  guardDevice();
  const cases = testdataCases(area);
  assert(cases.length > 0, `testdata has no case of ${area}`);
  for (const ref of cases) {
    const expected = skipped.some((start) => ref.path.startsWith(start)) ? "skipped" : "passed";
    Deno.test(`${ref.path} ${expected === "passed" ? "agrees with the reference" : "is skipped"}`, async () => {
      const result = await runCase(ref, AREAS);
      assertEquals(result.status, expected, lineOf(result));
    });
  }
}
