/** What a comparison found, for people and for programs. */
import type { Comparison, Report } from "./compare.ts";

/** A value in one line. */
function lineOf({ node, opType, value, shape, error, problem }: Comparison): string {
  const where = opType === "run" ? `output "${value}"` : `${opType} "${node}", value "${value}"`;
  return `${error.toExponential(1)}  ${where} [${shape.join(", ")}]${problem ? `: ${problem}` : ""}`;
}

/**
 * The lines of a report: what the model is, the largest errors, the first divergence.
 *
 * @param report The report.
 */
export function linesOf(report: Report): string[] {
  const { model, opset, operators, fusedAttentions, nodes, outputs, bound, firstDivergence, largest } = report;
  const kinds = Object.entries(operators).sort(([a], [b]) => a < b ? -1 : 1).map(([op, n]) => `${op} ${n}`);
  return [
    `${model}: opset ${opset}, ${nodes.length} values, ${fusedAttentions} attentions fused`,
    `operators: ${kinds.join(", ")}`,
    ...outputs.map(lineOf),
    ...(largest ? [`largest error ${lineOf(largest)}`] : []),
    firstDivergence
      ? `FAILED: the first error beyond ${bound} is ${lineOf(firstDivergence)}`
      : `all ${nodes.length + outputs.length} values agree with onnxruntime-web within ${bound}`,
  ];
}

/** The report as JSON; an infinite error is null there, with its problem beside it. */
export function toJson(report: Report): string {
  return JSON.stringify(report);
}
