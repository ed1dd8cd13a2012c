/**
 * How a checkpoint fits a tree of parameters.
 *
 * @module
 */

import type { Tensor } from "@dipp/tensor";
import { flattenParams, type Params } from "./params.ts";

/** A kind of misfit. */
export type Misfit = "missing" | "unexpected" | "misshapen";

/** What does not fit; empty lists where everything does. */
export interface CheckpointReport {
  /** Parameters that the checkpoint lacks. */
  readonly missing: readonly string[];
  /** Tensors that are no parameters. */
  readonly unexpected: readonly string[];
  /** Parameters that have another shape in the checkpoint. */
  readonly misshapen: readonly {
    /** The parameter. */
    readonly name: string;
    /** Its shape in the checkpoint. */
    readonly found: readonly number[];
    /** Its shape in the tree. */
    readonly expected: readonly number[];
  }[];
}

/** How names are compared. */
export interface ReportOptions {
  /** What the names in the checkpoint begin with, for instance `unet.`; others are passed over. */
  readonly prefix?: string;
  /** Names that may be left over, for instance `position_ids` buffers. */
  readonly ignore?: RegExp;
}

/**
 * Compares a checkpoint with a tree of parameters, by names and shapes.
 *
 * @param template the tree; its values need not be computed
 * @param tensors the tensors of the checkpoint, read or not
 * @param options see {@linkcode ReportOptions}
 * @returns what does not fit
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { checkpointReport } from "@dipp/nn";
 * import { zeros } from "@dipp/tensor";
 *
 * const report = checkpointReport({ fc: { bias: zeros([2]) } }, new Map([["fc.bias", { shape: [3] }]]));
 * assertEquals(report.misshapen, [{ name: "fc.bias", found: [3], expected: [2] }]);
 * ```
 */
export function checkpointReport(
  template: Params,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  options: ReportOptions = {},
): CheckpointReport {
  const { prefix = "", ignore } = options;
  const wanted: Map<string, Tensor> = flattenParams(template);
  const missing: string[] = [];
  const misshapen: CheckpointReport["misshapen"][number][] = [];
  for (const [name, leaf] of wanted) {
    const found = tensors.get(prefix + name)?.shape;
    if (!found) missing.push(name);
    else if (found.join() !== leaf.shape.join()) misshapen.push({ name, found, expected: leaf.shape });
  }
  const unexpected = [...tensors.keys()].filter((name) =>
    name.startsWith(prefix) && !wanted.has(name.slice(prefix.length)) && !ignore?.test(name)
  );
  return { missing, unexpected, misshapen };
}

/**
 * A report in words.
 *
 * @param report the report
 * @param allowed kinds of misfit that are passed over
 * @returns what does not fit, at most eight names a kind; empty where everything does
 */
export function reportText(report: CheckpointReport, allowed: readonly Misfit[] = []): string {
  const shape = (dims: readonly number[]) => `[${dims.join(", ")}]`;
  const shapes = report.misshapen.map(({ name, found, expected }) =>
    `${name} is ${shape(found)}, expected ${shape(expected)}`
  );
  const kinds: [Misfit, string, readonly string[]][] = [
    ["missing", "missing", report.missing],
    ["unexpected", "unexpected", report.unexpected],
    ["misshapen", "of another shape", shapes],
  ];
  return kinds.filter(([kind, , names]) => names.length > 0 && !allowed.includes(kind))
    .map(([, what, names]) => {
      const shown = names.slice(0, 8).map((name) => name.slice(0, 200)).join(", ");
      const more = names.length > 8 ? `, and ${names.length - 8} more` : "";
      return `${names.length} ${what} (${shown}${more})`;
    })
    .join("; ");
}
