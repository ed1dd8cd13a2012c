/** Reductions over axes, and what is found along one. */
import { logsumexp, type Tensor, topk } from "@dipp/tensor";
import { reduceHost } from "../host.ts";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { normalizeAxis } from "../shape.ts";
import { Value } from "../value.ts";

/** Axes of a reduction: all where none are named, unless the node asks for none then. */
function axesOf(call: Call): number[] {
  const { ndim } = call.input(0);
  const named = call.ints(1, "axes") ?? [];
  if (named.length > 0) return named.map((a) => normalizeAxis(a, ndim)).sort((a, b) => a - b);
  return call.attributes.int("noop_with_empty_axes") ? [] : Array.from({ length: ndim }, (_, i) => i);
}

const keeps = (call: Call) => (call.attributes.int("keepdims") ?? 1) !== 0;

/** A reduction; without axes it is `alone` of each element. */
function reduction(
  device: (x: Tensor, axes: readonly number[], keepdims: boolean) => Tensor,
  host?: (elements: number[]) => number,
  alone: (x: Tensor) => Tensor = (x) => x,
): Operator {
  return {
    since: 1,
    apply: (call) => {
      const axes = axesOf(call);
      return call.result(axes.length === 0 ? alone(call.tensor(0)) : device(call.tensor(0), axes, keeps(call)));
    },
    ...(host && { host: (call: Call, [x]) => reduceHost(x, axesOf(call), keeps(call), host) }),
  };
}

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

/** Position of the first, or last, extreme along an axis. */
function extreme(largest: boolean): Operator {
  return {
    since: 1,
    apply: (call) => {
      const axis = call.axis("axis", 0);
      const x = call.tensor(0);
      const n = x.shape[axis];
      const last = call.attributes.int("select_last_index") === 1;
      const seen = last ? x.flip(axis) : x;
      const found = largest ? seen.argmax(axis) : seen.argmin(axis);
      const index = last ? found.neg().add(n - 1) : found;
      return Value.ofTensor(keeps(call) ? index.unsqueeze(axis) : index, "int64");
    },
    host: (call, [x]) => {
      const pick = (row: number[]) => {
        const best = largest ? Math.max(...row) : Math.min(...row);
        return call.attributes.int("select_last_index") ? row.lastIndexOf(best) : row.indexOf(best);
      };
      return reduceHost({ ...x, type: "int64" }, [call.axis("axis", 0)], keeps(call), pick);
    },
  };
}

const top: Operator = {
  since: 1,
  apply: (call) => {
    const k = call.known(1, "k")?.[0] ?? call.attributes.int("k");
    if (k === undefined) throw new SyntaxError("input 1 (k) is missing");
    const { values, indices } = topk(call.tensor(0), k, call.axis("axis", -1), call.attributes.int("largest") !== 0);
    return [call.result(values), Value.ofTensor(indices, "int64")];
  },
};

/** Running sums, as a product with a triangle of ones. */
const cumulative: Operator = {
  since: 11,
  apply: (call) => {
    const x = call.tensor(0);
    const axis = normalizeAxis(call.known(1, "axis")?.[0] ?? 0, x.ndim);
    const reversed = call.attributes.int("reverse") === 1;
    const seen = reversed ? x.flip(axis) : x;
    const total = seen.cumsum(axis);
    const result = call.attributes.int("exclusive") === 1 ? total.sub(seen) : total;
    return call.result(reversed ? result.flip(axis) : result);
  },
};

/** The operators that reduce. */
export const reductions: OperatorTable = {
  ReduceSum: reduction((x, axes, keep) => x.sum(axes, keep), sum),
  ReduceMean: reduction((x, axes, keep) => x.mean(axes, keep), (v) => sum(v) / v.length),
  ReduceProd: reduction((x, axes, keep) => x.prod(axes, keep), (v) => v.reduce((a, b) => a * b, 1)),
  ReduceMax: reduction((x, axes, keep) => x.max(axes, keep), (v) => Math.max(...v)),
  ReduceMin: reduction((x, axes, keep) => x.min(axes, keep), (v) => Math.min(...v)),
  ReduceL1: reduction((x, axes, keep) => x.abs().sum(axes, keep), undefined, (x) => x.abs()),
  ReduceL2: reduction((x, axes, keep) => x.norm(2, axes, keep), undefined, (x) => x.abs()),
  ReduceSumSquare: reduction((x, axes, keep) => x.square().sum(axes, keep), undefined, (x) => x.square()),
  ReduceLogSum: reduction((x, axes, keep) => x.sum(axes, keep).log(), undefined, (x) => x.log()),
  ReduceLogSumExp: reduction((x, axes, keep) => logsumexp(x, axes, keep)),
  ArgMax: extreme(true),
  ArgMin: extreme(false),
  TopK: top,
  CumSum: cumulative,
};
