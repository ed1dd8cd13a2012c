/** What an operator is to the importer, and what it sees of the node that uses it. */
import type { Tensor } from "@dipp/tensor";
import type { Attributes } from "./attributes.ts";
import type { ElementType } from "./element_type.ts";
import { normalizeAxis, show } from "./shape.ts";
import type { HostArray } from "./tensor_data.ts";
import { Value } from "./value.ts";

/** One operator of one domain. */
export interface Operator {
  /** The first opset of its domain that has it. */
  readonly since: number;
  /** Its outputs as graph of tensors; those that are known without running may be of the host. */
  readonly apply: (call: Call) => Value | readonly Value[];
  /** Its outputs on the host, of inputs that are all known; absent where shapes are not computed with it. */
  readonly host?: (call: Call, inputs: readonly HostArray[]) => HostArray | readonly HostArray[];
}

/** Operators by name. */
export type OperatorTable = Readonly<Record<string, Operator>>;

/** One use of an operator: its inputs, its attributes, the version that is meant. */
export class Call {
  /** Version of the operator's domain that the model imports. */
  readonly opset: number;
  /** Arguments that the file fixes. */
  readonly attributes: Attributes;
  /** Its inputs; undefined where an optional one is left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** How many outputs are wanted, optional ones included. */
  readonly outputs: number;

  constructor(
    opset: number,
    attributes: Attributes,
    inputs: readonly (Value | undefined)[],
    outputs: number,
  ) {
    this.opset = opset;
    this.attributes = attributes;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /** Whether an input is there. */
  has(index: number): boolean {
    return this.inputs[index] !== undefined;
  }

  /** An input that must be there; throws a SyntaxError otherwise. */
  input(index: number): Value {
    const value = this.inputs[index];
    if (value) return value;
    throw new SyntaxError(`input ${index} is missing`);
  }

  /** An input on the device. */
  tensor(index: number): Tensor {
    return this.input(index).tensor;
  }

  /** An optional input on the device. */
  optional(index: number): Tensor | undefined {
    return this.inputs[index]?.tensor;
  }

  /** The elements of an input that has to be known before anything runs, undefined where it is left out. */
  known(index: number, what: string): ArrayLike<number> | undefined {
    const value = this.inputs[index];
    if (!value) return undefined;
    if (value.host) return value.host;
    throw new TypeError(
      `input ${index} (${what}, ${value}) depends on the elements of tensors: expected constants or shapes`,
    );
  }

  /** Integers that an attribute holds in old opsets and an input in new ones, undefined where there are none. */
  ints(index: number, attribute: string): number[] | undefined {
    const known = this.known(index, attribute);
    return known ? Array.from(known) : this.attributes.ints(attribute);
  }

  /** A number that an attribute holds in old opsets and an input in new ones. */
  number(index: number, attribute: string): number | undefined {
    const known = this.known(index, attribute);
    return known ? known[0] : this.attributes.float(attribute);
  }

  /** An attribute that names an axis of an input, counted from the front. */
  axis(name: string, missing: number, ndim = this.input(0).ndim): number {
    return normalizeAxis(this.attributes.int(name) ?? missing, ndim);
  }

  /** A result of the type of the first input, or another. */
  result(tensor: Tensor, type: ElementType = this.input(0).type): Value {
    return Value.ofTensor(tensor, type);
  }

  /** The shapes of the inputs, for messages. */
  shapes(): string {
    return this.inputs.map((value) => value ? show(value.shape) : "none").join(", ");
  }
}
