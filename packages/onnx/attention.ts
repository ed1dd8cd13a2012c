/** Attention, found in the pieces that exporters write it in. */
import { scaledDotProductAttention, softmax, type Tensor } from "@dipp/tensor";
import { Attributes } from "./attributes.ts";
import { type GraphNode, needed } from "./graph.ts";
import type { Call, Operator } from "./operator.ts";

/** Name of the operator that takes the place of the pieces. */
export const FUSED_ATTENTION = { domain: "dipp", opType: "Attention" } as const;

/**
 * Replaces MatMul, an optional factor (Mul or Div), an optional mask (Add), Softmax and MatMul by one attention, which
 * stores no scores. Values in between that somebody else reads keep the pieces.
 *
 * @param nodes The nodes of a graph, in order.
 * @param outputs Names that the graph gives.
 * @returns The nodes, in order.
 */
export function fuseAttention(nodes: readonly GraphNode[], outputs: readonly string[]): GraphNode[] {
  const maker = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    for (const name of node.inputs) readers.set(name, [...readers.get(name) ?? [], node]);
  }
  const hidden = new Set(nodes.flatMap((n) => n.branches ? [n.branches.then, n.branches.otherwise] : []));
  if (hidden.size > 0) return [...nodes];
  const isPrivate = (name: string) => readers.get(name)?.length === 1 && !outputs.includes(name);
  /** The node that gives a value to one reader alone, where it is of a kind. */
  const only = (name: string, ...kinds: string[]) => {
    const node = maker.get(name);
    return node && node.domain === "" && kinds.includes(node.opType) && isPrivate(name) ? node : undefined;
  };
  /** Of two operands, the one that a kind of node gives, and the name of the other. */
  const operand = (node: GraphNode | undefined, ...kinds: string[]): [GraphNode, string] | undefined => {
    if (!node) return undefined;
    const [a, b] = node.inputs;
    const left = only(a, ...kinds);
    if (left) return [left, b];
    const right = node.opType === "Div" ? undefined : only(b, ...kinds);
    return right && [right, a];
  };

  const replaced = new Map<GraphNode, GraphNode>();
  for (const last of nodes) {
    if (last.domain !== "" || last.opType !== "MatMul") continue;
    const weights = only(last.inputs[0], "Softmax");
    if (!weights) continue;
    const masked = only(weights.inputs[0], "Add");
    const underMask = operand(masked, "MatMul", "Mul", "Div");
    const scores = underMask?.[0] ?? only(weights.inputs[0], "MatMul", "Mul", "Div");
    const scaled = scores && scores.opType !== "MatMul" ? scores : undefined;
    const underScale = operand(scaled, "MatMul");
    const first = scaled ? underScale?.[0] : scores;
    if (!first || (masked && !underMask)) continue;
    replaced.set(last, {
      name: last.name,
      ...FUSED_ATTENTION,
      opset: weights.opset,
      attributes: new Attributes([
        { name: "axis", type: 2, i: weights.attributes.int("axis") ?? (weights.opset < 13 ? 1 : -1), ...NO_LISTS },
        { name: "divide", type: 2, i: Number(scaled?.opType === "Div"), ...NO_LISTS },
      ]),
      inputs: [first.inputs[0], first.inputs[1], last.inputs[1], underScale?.[1] ?? "", underMask?.[1] ?? ""],
      outputs: last.outputs,
    });
  }
  return needed(nodes.map((node) => replaced.get(node) ?? node), outputs);
}

const NO_LISTS = { floats: [], ints: [], strings: [] };

/** Attention of queries, transposed keys and values, with a factor and a mask of the scores. */
export const fusedAttention: Operator = {
  since: 1,
  apply: (call) => {
    const [q, keys, v] = [0, 1, 2].map((i) => call.tensor(i));
    const fits = call.axis("axis", -1, Math.max(q.ndim, keys.ndim)) === Math.max(q.ndim, keys.ndim) - 1 &&
      [q, keys, v].every((t) => t.ndim >= 2) && (call.inputs[3]?.size ?? 1) === 1 &&
      (call.inputs[4]?.ndim ?? 0) <= Math.max(q.ndim, keys.ndim);
    return call.result(fits ? attend(call, q, keys, v) : inPieces(call, q, keys, v));
  },
};

function attend(call: Call, q: Tensor, keys: Tensor, v: Tensor): Tensor {
  const factor = call.inputs[3];
  const isDivisor = call.attributes.int("divide") === 1;
  const mask = call.optional(4);
  const k = keys.transpose(-1, -2);
  const known = factor ? factor.isParameter ? undefined : factor.host?.[0] : 1;
  if (known !== undefined) return scaledDotProductAttention(q, k, v, { scale: isDivisor ? 1 / known : known, mask });
  const scale = factor!.tensor.reshape([]);
  return scaledDotProductAttention(isDivisor ? q.div(scale) : q.mul(scale), k, v, { scale: 1, mask });
}

/** The same as the file has it. */
function inPieces(call: Call, q: Tensor, keys: Tensor, v: Tensor): Tensor {
  let scores = q.matmul(keys);
  const [factor, mask] = [call.optional(3), call.optional(4)];
  if (factor) scores = call.attributes.int("divide") === 1 ? scores.div(factor) : scores.mul(factor);
  if (mask) scores = scores.add(mask);
  const axis = call.axis("axis", -1, scores.ndim);
  if (call.opset >= 13 || axis === scores.ndim - 1) return softmax(scores, axis).matmul(v);
  const rows = scores.shape.slice(0, axis).reduce((a, b) => a * b, 1);
  return softmax(scores.reshape([rows, -1]), 1).reshape(scores.shape).matmul(v);
}
