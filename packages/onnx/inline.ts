/** Operators that a file defines itself, replaced by what they are made of. */
import {
  type AttributeProto,
  type FunctionProto,
  type ModelProto,
  type NodeProto,
  type OperatorSetProto,
  toNumber,
} from "./proto/messages.ts";

/** What a file brings beside its graph. */
export interface Library {
  /** Version of each domain. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Operators that the file defines, by domain and name. */
  readonly functions: ReadonlyMap<string, FunctionProto>;
}

/** A node and the versions that its names mean. */
export interface VersionedNode {
  readonly node: NodeProto;
  readonly opsets: ReadonlyMap<string, number>;
  /** It is part of a function: what it gives has no name in the file's graph. */
  readonly isInlined: boolean;
}

/** The versions by domain; ai.onnx is "". */
export function opsetsOf(imports: readonly OperatorSetProto[]): Map<string, number> {
  return new Map(imports.map(({ domain = "", version }) => [domain === "ai.onnx" ? "" : domain, toNumber(version)]));
}

/** The versions and functions of a file. */
export function libraryOf({ opsetImport, functions }: ModelProto): Library {
  return {
    opsets: opsetsOf(opsetImport),
    functions: new Map(functions.map((f) => [`${f.domain ?? ""}:${f.name ?? ""}`, f])),
  };
}

/** How deep functions may use functions; none may use itself. */
const DEEPEST = 32;

/**
 * Replaces each use of a function by its nodes.
 *
 * @param nodes The nodes of a graph.
 * @param library Versions and functions of the file.
 * @throws {SyntaxError} If functions use each other in a circle.
 */
export function inlineFunctions(nodes: readonly NodeProto[], library: Library, depth = 0): VersionedNode[] {
  return nodes.flatMap((node) => {
    const body = library.functions.get(`${node.domain ?? ""}:${node.opType ?? ""}`);
    if (!body) return [{ node, opsets: library.opsets, isInlined: depth > 0 }];
    if (depth === DEEPEST) {
      throw new SyntaxError(`function "${body.name}" uses itself, or is more than ${DEEPEST} deep`);
    }
    const inner = { ...library, opsets: new Map([...library.opsets, ...opsetsOf(body.opsetImport)]) };
    return inlineFunctions(expand(node, body), inner, depth + 1);
  });
}

/** The nodes of a function under the names of its use. */
function expand(use: NodeProto, body: FunctionProto): NodeProto[] {
  const prefix = use.name || use.output[0];
  const names = new Map<string, string>([["", ""]]);
  body.input.forEach((name, i) => names.set(name, use.input[i] ?? ""));
  body.output.forEach((name, i) => names.set(name, use.output[i] || `${prefix}/${name}`));
  const rename = (name: string) => names.get(name) ?? `${prefix}/${name}`;
  const given = new Map([...body.attributeProto, ...use.attribute].map((a) => [a.name ?? "", a]));
  return body.node.map((node) => ({
    ...node,
    name: `${prefix}/${node.name || node.output[0]}`,
    opType: node.opType,
    domain: node.domain,
    input: node.input.map(rename),
    output: node.output.map(rename),
    attribute: node.attribute.flatMap((a) => argument(a, given)),
  }));
}

/** An attribute of a function's node, which may be one of the function's use. */
function argument(attribute: AttributeProto, given: ReadonlyMap<string, AttributeProto>): AttributeProto[] {
  if (attribute.g) throw new TypeError(`a function has the graph "${attribute.name}": expected none`);
  if (!attribute.refAttrName) return [attribute];
  const value = given.get(attribute.refAttrName);
  // Left out: the default of the operator
  return value ? [Object.assign(Object.create(value), { name: attribute.name })] : [];
}
