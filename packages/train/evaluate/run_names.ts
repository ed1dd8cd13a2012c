/** Short names of what was measured. */
import type { SubjectFacts } from "./image_source.ts";

/**
 * What to call two runs in a table: their files' names, with as many folders as it takes to tell them apart. A name
 * that every run has, such as `model.safetensors`, says its folder too.
 *
 * @param subject This run.
 * @param other What it is compared with, where there is something.
 * @returns Their names; the second is empty without another run.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { namesOf } from "./run_names.ts";
 *
 * assertEquals(namesOf({ path: "a/align.safetensors" }, { path: "b/align.safetensors" }), ["a/align", "b/align"]);
 * assertEquals(namesOf({ path: "runs/align/model.safetensors" }), ["align/model", ""]);
 * ```
 */
export function namesOf(
  subject: Pick<SubjectFacts, "path">,
  other?: Pick<SubjectFacts, "path">,
): [own: string, other: string] {
  const parts = [subject, ...other ? [other] : []].map(({ path }) =>
    path.replace(/\/+$/, "").replace(/\.(safetensors|pt|pth|bin)$/, "").split("/")
  );
  const name = (length: number) => parts.map((part) => part.slice(-length).join("/"));
  const longest = Math.max(...parts.map((part) => part.length));
  let length = name(1).some((last) => /^(model|images|step-\d+)$/.test(last)) ? 2 : 1;
  while (length < longest && new Set(name(length)).size < parts.length) length++;
  const [own, theirs = ""] = name(length);
  return [own, theirs];
}
