/** A model that was read. */
import type { Tensor } from "@dipp/tensor";
import { fuseAttention, FUSED_ATTENTION } from "./attention.ts";
import { dtypeOf, elementTypeOf, isFloat } from "./element_type.ts";
import { evaluate, type Scope, type Visit } from "./evaluate.ts";
import type { Graph, GraphNode, OnnxValueInfo } from "./graph.ts";
import { show } from "./shape.ts";
import { Value } from "./value.ts";

/** One node of a run and what it gave. */
export interface TracedNode {
  /** The node's name in the file, or that of its first output. */
  readonly name: string;
  /** Its operator. */
  readonly opType: string;
  /** It is part of a function of the file: other runtimes do not know its outputs by name. */
  readonly isInlined: boolean;
  /** What it gave: tensors, or elements of the host where they were known without running. */
  readonly outputs: readonly { readonly name: string; readonly value: Tensor }[];
}

/** What a model is made of. */
export interface ModelParts {
  /** Its graph. */
  readonly graph: Graph;
  /** Its nodes without those that were folded into constants. */
  readonly nodes: readonly GraphNode[];
  /** Its constants and parameters. */
  readonly constants: Scope;
  /** Its parameters. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  /** Version of each domain. */
  readonly opsets: Readonly<Record<string, number>>;
}

/** An ONNX model as a function of tensors, which {@linkcode loadOnnx} reads. */
export interface OnnxModel {
  /** What it is given. */
  readonly inputs: readonly OnnxValueInfo[];
  /** What it gives. */
  readonly outputs: readonly OnnxValueInfo[];
  /** The floating-point initializers of at least one axis, by their names in the file: what can be trained. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  /** Version of the operators of each domain; "" is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>;
  /** The operators that the model uses, and how often; constants that were folded are left out. */
  readonly operators: Readonly<Record<string, number>>;
  /** Attentions of the model that run as one kernel. */
  readonly fusedAttentions: number;
  /**
   * The outputs as lazy tensors, differentiable in the inputs and in `parameters`. Shapes are computed at once, of those
   * of the inputs: within a compiled step, once for each signature.
   *
   * @param inputs A tensor for each input of the model: real numbers where it has real numbers, i32 where it has
   * integers of any width.
   * @returns The outputs, by name.
   * @throws {RangeError} If an input is missing or too many, or has another shape than the model says, or an operator
   * cannot do what a node asks for; the message names the node.
   * @throws {TypeError} If an input has another kind of elements, or a shape depends on elements.
   */
  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  /**
   * Runs the model and keeps everything that every node gives, attention in its pieces: for comparing with another
   * implementation.
   *
   * @param inputs As for {@linkcode OnnxModel.run}.
   * @returns The nodes in the order of the graph; those that were folded into constants are left out.
   */
  trace(inputs: Readonly<Record<string, Tensor>>): TracedNode[];
}

/** A model by its graph. */
export class GraphModel implements OnnxModel {
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly opsets: Readonly<Record<string, number>>;
  readonly operators: Readonly<Record<string, number>>;
  readonly fusedAttentions: number;
  readonly #constants: Scope;
  readonly #nodes: readonly GraphNode[];
  readonly #fused: readonly GraphNode[];

  /** Takes the parts as they are. */
  constructor({ graph, nodes, constants, parameters, opsets }: ModelParts) {
    this.inputs = graph.inputs;
    this.outputs = graph.outputs;
    this.parameters = parameters;
    this.opsets = opsets;
    this.#constants = constants;
    this.#nodes = nodes;
    this.#fused = fuseAttention(nodes, graph.outputs.map((o) => o.name));
    this.operators = Object.fromEntries(
      Map.groupBy(nodes, (node) => node.opType).entries().map(([op, uses]) => [op, uses.length]),
    );
    this.fusedAttentions = this.#fused.filter((node) => node.domain === FUSED_ATTENTION.domain).length;
  }

  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    const scope = this.#evaluate(this.#fused, inputs);
    return Object.fromEntries(this.outputs.map(({ name }) => [name, scope.get(name)!.tensor]));
  }

  trace(inputs: Readonly<Record<string, Tensor>>): TracedNode[] {
    const traced: TracedNode[] = [];
    this.#evaluate(this.#nodes, inputs, ({ name, opType, outputs: names, isInlined = false }, values) => {
      const outputs = names.flatMap((name, i) => name === "" ? [] : [{ name, value: values[i].tensor }]);
      traced.push({ name, opType, isInlined, outputs });
    });
    return traced;
  }

  #evaluate(nodes: readonly GraphNode[], inputs: Readonly<Record<string, Tensor>>, visit?: Visit): Scope {
    const scope: Scope = new Map(this.#constants);
    const bound = new Map<string, number>();
    for (const info of this.inputs) {
      const tensor = Object.hasOwn(inputs, info.name) ? inputs[info.name] : undefined;
      if (!tensor) {
        throw new RangeError(`Cannot run the model: input "${info.name}" is missing, expected ${describe(info)}`);
      }
      checkInput(info, tensor, bound);
      scope.set(info.name, Value.ofTensor(tensor.cast(dtypeOf(info.type)), info.type));
    }
    const extra = Object.keys(inputs).find((name) => !this.inputs.some((i) => i.name === name));
    if (extra !== undefined) {
      const names = this.inputs.map((i) => `"${i.name}"`).join(", ");
      throw new RangeError(`Cannot run the model: it has no input "${extra}", expected ${names}`);
    }
    evaluate(nodes, scope, visit);
    return scope;
  }
}

/** Type and shape as messages show them. */
function describe({ type, shape }: OnnxValueInfo): string {
  return shape ? `${type} ${show(shape)}` : type;
}

/** Makes sure that a tensor is what an input asks for, and notes the lengths that symbols stand for. */
function checkInput(info: OnnxValueInfo, tensor: Tensor, bound: Map<string, number>): void {
  const fail = (why: string) => `Cannot run the model: input "${info.name}" ${why}, expected ${describe(info)}`;
  const given = elementTypeOf(tensor.dtype);
  if (isFloat(given) !== isFloat(info.type) || (info.type === "bool") !== (given === "bool")) {
    throw new TypeError(fail(`is ${tensor.dtype}`));
  }
  if (!info.shape) return;
  if (tensor.ndim !== info.shape.length) throw new RangeError(fail(`has shape ${show(tensor.shape)}`));
  info.shape.forEach((length, axis) => {
    const n = tensor.shape[axis];
    if (length === "?") return;
    const expected = typeof length === "number" ? length : bound.get(length);
    if (expected !== undefined && n !== expected) {
      const symbol = typeof length === "string" ? ` (${length} is ${expected})` : "";
      throw new RangeError(fail(`has shape ${show(tensor.shape)}${symbol}`));
    }
    if (typeof length === "string") bound.set(length, n);
  });
}
