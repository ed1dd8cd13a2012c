/** A graph of an ONNX file, checked and in an order that can be computed. */
import { Attributes } from "./attributes.ts";
import { type ElementType, elementType } from "./element_type.ts";
import { inlineFunctions, type Library, type VersionedNode } from "./inline.ts";
import { type GraphProto, type Int64, toNumber, type ValueInfoProto } from "./proto/messages.ts";
import { decodeTensor, type ExternalBytes, type HostArray } from "./tensor_data.ts";

/** Name, type and shape of an input or output of a model. */
export interface OnnxValueInfo {
  /** Its name. */
  readonly name: string;
  /** Its ONNX element type. */
  readonly type: ElementType;
  /** Lengths of its axes; a text is bound to a length at each call, "?" to any; undefined where the file says nothing. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** One use of an operator. */
export interface GraphNode {
  /** Its name in the file, or that of its first output. */
  readonly name: string;
  /** The operator. */
  readonly opType: string;
  /** The operator's domain; "" is ONNX's own. */
  readonly domain: string;
  /** Version of the domain. */
  readonly opset: number;
  /** Its attributes. */
  readonly attributes: Attributes;
  /** Names of what it reads; "" where an optional input is left out. */
  readonly inputs: readonly string[];
  /** Names of what it gives; "" where an optional output is not wanted. */
  readonly outputs: readonly string[];
  /** It is part of a function of the file. */
  readonly isInlined?: boolean;
  /** The graphs of a condition. */
  readonly branches?: { readonly then: Graph; readonly otherwise: Graph };
}

/** A graph. */
export interface Graph {
  /** What it is given. */
  readonly inputs: readonly OnnxValueInfo[];
  /** What it gives. */
  readonly outputs: readonly OnnxValueInfo[];
  /** The nodes that its outputs need, each after those that it reads. */
  readonly nodes: readonly GraphNode[];
  /** Constants. */
  readonly initializers: ReadonlyMap<string, HostArray>;
}

/** Domain names that mean ONNX's own. */
const STANDARD = new Set(["", "ai.onnx"]);

/** What the making of a graph needs to know of the file. */
export interface GraphContext extends Library {
  /** Bytes of constants in other files. */
  readonly external: ExternalBytes;
}

/**
 * Makes a graph of its message.
 *
 * @param proto The message.
 * @param context Versions, functions and external data of the file.
 * @param outer Names that a subgraph may read of the graphs around it.
 * @throws {SyntaxError} If a value is not defined, or twice, or depends on itself, or a constant is not what it says.
 */
export function makeGraph(proto: GraphProto, context: GraphContext, outer: ReadonlySet<string> = new Set()): Graph {
  if (proto.sparseInitializer.length > 0) throw new TypeError("the graph has sparse initializers: expected dense ones");
  const initializers = new Map(proto.initializer.map((t) => [t.name ?? "", decodeTensor(t, context.external)]));
  const inputs = proto.input.filter(({ name }) => !initializers.has(name ?? "")).map(valueInfo);
  const given = new Set([...inputs.map((i) => i.name), ...initializers.keys()]);
  const known = new Set([...outer, ...given]);
  const all = inlineFunctions(proto.node, context).map((n) => makeNode(n, context, known));
  const nodes = order(all, given, outer);
  const outputs = proto.output.map((o) => ({ ...valueInfoOrUntyped(o) }));
  const defined = new Set([...known, ...nodes.flatMap((n) => n.outputs)]);
  for (const { name } of outputs) {
    if (!defined.has(name)) throw new SyntaxError(`output "${name}" is given by no node`);
  }
  return { inputs, outputs, nodes: needed(nodes, outputs.map((o) => o.name)), initializers };
}

/** Name, type and shape of a message; a dimension without number or name has the name "?". */
function valueInfo(proto: ValueInfoProto): OnnxValueInfo {
  const { name = "", type } = proto;
  if (!type?.tensorType) throw new TypeError(`"${name}" is no tensor: expected one`);
  const { elemType = 0, shape } = type.tensorType;
  try {
    return { name, type: elementType(elemType), shape: shape?.dim.map((d) => d.dimParam || lengthOf(d.dimValue)) };
  } catch (error) {
    throw new TypeError(`"${name}": ${(error as Error).message}`);
  }
}

function lengthOf(
  value: Int64 | undefined,
): number | string {
  // Some exporters write -1 or 0 where they do not know
  const n = value === undefined ? 0 : toNumber(value);
  return n > 0 ? n : "?";
}

/** Outputs of subgraphs may lack a type. */
function valueInfoOrUntyped(proto: ValueInfoProto): OnnxValueInfo {
  return proto.type?.tensorType?.elemType
    ? valueInfo(proto)
    : { name: proto.name ?? "", type: "float32", shape: undefined };
}

function makeNode(
  { node, opsets, isInlined }: VersionedNode,
  context: GraphContext,
  known: ReadonlySet<string>,
): GraphNode {
  const { opType = "", input, output, attribute } = node;
  const domain = STANDARD.has(node.domain ?? "") ? "" : node.domain ?? "";
  const opset = opsets.get(domain);
  const name = node.name || output.find((o) => o !== "") || "";
  if (opset === undefined) {
    throw new SyntaxError(`node "${name}" (${opType}) is of domain "${domain}", for which the file imports no opset`);
  }
  const attributes = new Attributes(attribute);
  const base = { name, opType, domain, opset, attributes, inputs: input, outputs: output, isInlined };
  if (opType !== "If" || domain !== "") return base;
  const [then, otherwise] = ["then_branch", "else_branch"].map((branch) => {
    const graph = attributes.graph(branch);
    if (!graph) throw new SyntaxError(`node "${name}" (If) has no ${branch}`);
    // Which values of the outer graph exist is checked when the branch is computed
    return makeGraph(graph, context, new AnyName(known));
  });
  return { ...base, branches: { then, otherwise } };
}

/** All names: a branch may read whatever nodes around it give. */
class AnyName extends Set<string> {
  override has(_: string): boolean {
    return true;
  }
}

/** Everything that a node reads, its branches included. */
function reads(node: GraphNode): string[] {
  const inner = node.branches ? [node.branches.then, node.branches.otherwise].flatMap(freeNames) : [];
  return [...node.inputs.filter((name) => name !== ""), ...inner];
}

function freeNames(graph: Graph): string[] {
  const own = new Set([
    ...graph.inputs.map((i) => i.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((n) => n.outputs),
  ]);
  return [...graph.nodes.flatMap(reads), ...graph.outputs.map((o) => o.name)].filter((name) => !own.has(name));
}

/** Sorts nodes so that each comes after those that it reads; those that are in order stay. */
function order(nodes: readonly GraphNode[], given: ReadonlySet<string>, outer: ReadonlySet<string>): GraphNode[] {
  const maker = new Map<string, GraphNode>();
  for (const node of nodes) {
    for (const name of node.outputs) {
      if (name === "") continue;
      if (maker.has(name) || given.has(name)) throw new SyntaxError(`value "${name}" is defined twice`);
      maker.set(name, node);
    }
  }
  const [done, open] = [new Set<GraphNode>(), new Set<GraphNode>()];
  const sorted: GraphNode[] = [];
  for (const start of nodes) {
    // A walk with a stack of its own: files may be deeper than the stack of calls
    const stack = [start];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (done.has(node)) {
        stack.pop();
        continue;
      }
      open.add(node);
      const waiting = new Set<GraphNode>();
      for (const name of reads(node)) {
        const source = maker.get(name);
        if (!source && !given.has(name) && !outer.has(name)) {
          throw new SyntaxError(`node "${node.name}" (${node.opType}) reads "${name}", which nothing defines`);
        }
        if (source && !done.has(source)) waiting.add(source);
      }
      if (waiting.size === 0) {
        done.add(node);
        sorted.push(node);
        stack.pop();
        continue;
      }
      const circular = [...waiting].find((source) => open.has(source) && stack.includes(source));
      if (circular) {
        throw new SyntaxError(`node "${circular.name}" (${circular.opType}) depends on itself: the graph is cyclic`);
      }
      stack.push(...waiting);
    }
  }
  return sorted;
}

/** The nodes that some names need, in their order. */
export function needed(nodes: readonly GraphNode[], names: readonly string[]): GraphNode[] {
  const wanted = new Set(names);
  return nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => wanted.has(name))) return false;
    for (const name of reads(node)) wanted.add(name);
    return true;
  }).reverse();
}
