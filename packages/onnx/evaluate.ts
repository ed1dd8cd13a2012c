/** From inputs to outputs: each node in turn becomes a value, of the host where that is enough. */
import { FUSED_ATTENTION, fusedAttention } from "./attention.ts";
import type { Graph, GraphNode } from "./graph.ts";
import { Call, type Operator } from "./operator.ts";
import { OPERATORS } from "./operators/mod.ts";
import { sizeOf } from "./shape.ts";
import type { HostArray } from "./tensor_data.ts";
import { Value } from "./value.ts";

/** Values by name. */
export type Scope = Map<string, Value>;

/** Is told of each node and what it gave. */
export type Visit = (node: GraphNode, outputs: readonly Value[]) => void;

/** The operator that a node uses; undefined where there is none of its name in its opset. */
export function operatorOf({ domain, opType, opset }: GraphNode): Operator | undefined {
  if (domain === FUSED_ATTENTION.domain) return fusedAttention;
  const table = OPERATORS[domain] ?? {};
  const operator = Object.hasOwn(table, opType) ? table[opType] : undefined;
  return operator && operator.since <= opset ? operator : undefined;
}

/** Nodes that no operator computes, subgraphs included. */
export function unsupported(graph: Graph): GraphNode[] {
  return graph.nodes.flatMap((node) =>
    node.branches
      ? [...unsupported(node.branches.then), ...unsupported(node.branches.otherwise)]
      : operatorOf(node)
      ? []
      : [node]
  );
}

/** A node as errors name it. */
export function describe({ name, opType, domain, opset }: GraphNode): string {
  return `node "${name}" (${domain === "" ? "" : `${domain}.`}${opType}, opset ${opset})`;
}

/**
 * Computes nodes.
 *
 * @param nodes The nodes, in order.
 * @param scope What is known; what the nodes give is added to it.
 * @param visit Is told of each node.
 * @throws {Error} What an operator threw, with the node's name, operator and opset before it.
 */
export function evaluate(nodes: readonly GraphNode[], scope: Scope, visit?: Visit): void {
  for (const node of nodes) {
    const outputs = named(node, () => node.branches ? evaluateIf(node, scope) : evaluateNode(node, scope));
    node.outputs.forEach((name, i) => {
      if (name === "") return;
      if (!outputs[i]) throw new SyntaxError(`${describe(node)} has no output ${i}`);
      scope.set(name, outputs[i]);
    });
    visit?.(node, outputs);
  }
}

/** Runs something for a node; its errors name the node. */
function named<T>(node: GraphNode, f: () => T): T {
  try {
    return f();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const message = `Cannot compute ${describe(node)}: ${error.message}`;
    if (error instanceof SyntaxError) throw new SyntaxError(message);
    if (error instanceof TypeError) throw new TypeError(message);
    throw new RangeError(message);
  }
}

function read(scope: Scope, name: string): Value {
  const value = scope.get(name);
  if (value) return value;
  throw new SyntaxError(`it reads "${name}", which nothing defines`);
}

/** Elements up to which a result is computed on the host where it can be. */
const LARGEST = 1 << 16;

function evaluateNode(node: GraphNode, scope: Scope): readonly Value[] {
  const operator = operatorOf(node);
  if (!operator) throw new RangeError("the operator is not supported");
  const inputs = node.inputs.map((name) => name === "" ? undefined : read(scope, name));
  const call = new Call(node.opset, node.attributes, inputs, node.outputs.filter((name) => name !== "").length);
  const arrays = inputs.flatMap((v): HostArray[] => v?.host ? [{ type: v.type, shape: v.shape, data: v.host }] : []);
  const isKnown = operator.host && arrays.length === inputs.filter((v) => v).length && arrays.length > 0 &&
    arrays.every(({ shape }) => sizeOf(shape) <= LARGEST);
  const onDevice = () => [operator.apply(call)].flat() as readonly Value[];
  if (!isKnown) return onDevice();
  const results = [operator.host!(call, hostInputs(inputs))].flat() as readonly HostArray[];
  if (!inputs.some((v) => v?.isParameter)) return results.map(Value.ofHost);
  // Computed of the parameters on the device too, so that it follows when they change, and has a gradient
  let tensors: readonly Value[] | undefined;
  return results.map((array, i) => Value.ofParameter(array, () => (tensors ??= onDevice())[i].tensor));
}

/** The inputs by position; one that is left out is a hole. */
function hostInputs(inputs: readonly (Value | undefined)[]): HostArray[] {
  const arrays = new Array<HostArray>(inputs.length);
  inputs.forEach((v, i) => {
    if (v?.host) arrays[i] = { type: v.type, shape: v.shape, data: v.host };
  });
  return arrays;
}

/** The branch of a condition that is known. */
function evaluateIf(node: GraphNode, scope: Scope): readonly Value[] {
  const condition = read(scope, node.inputs[0]);
  if (!condition.host) {
    throw new TypeError("its condition depends on the elements of tensors: expected constants or shapes");
  }
  const graph = condition.host[0] ? node.branches!.then : node.branches!.otherwise;
  const inner: Scope = new Map(scope);
  for (const [name, array] of graph.initializers) inner.set(name, Value.ofHost(array));
  evaluate(graph.nodes, inner);
  return graph.outputs.map(({ name }) => read(inner, name));
}

/**
 * Computes once what depends on constants alone.
 *
 * @param nodes The nodes, in order.
 * @param constants Constants and parameters by name; what is folded is added.
 * @returns The nodes that are left.
 */
export function foldConstants(nodes: readonly GraphNode[], constants: Scope): GraphNode[] {
  return nodes.filter((node) => {
    const inputs = node.inputs.filter((name) => name !== "").map((name) => constants.get(name));
    if (node.branches || !inputs.every((v) => v?.host && !v.isParameter)) return true;
    if (inputs.length > 0 && !operatorOf(node)?.host) return true;
    const before: Scope = new Map(constants);
    evaluate([node], before);
    // Of the host, or not worth keeping
    const results = node.outputs.filter((name) => name !== "").map((name) => [name, before.get(name)!] as const);
    if (!results.every(([, v]) => v.host)) return true;
    for (const [name, value] of results) constants.set(name, value);
    return false;
  });
}
