/** Models of single operators, node by node, to compare implementations on. */
import {
  type ElementType,
  type HostArray,
  type OnnxAttribute,
  type OnnxNodeSource,
  type OnnxValueInfo,
  writeOnnx,
} from "@dipp/onnx";
import { withOutputs } from "../with_outputs.ts";

/** Attributes as tests write them: integers unless a kind is named. */
export type Attributes = Readonly<Record<string, number | readonly number[] | string | OnnxAttribute>>;

/** A model that grows by calls; every value becomes an output. */
export class ModelBuilder {
  readonly #inputs: OnnxValueInfo[] = [];
  readonly #nodes: OnnxNodeSource[] = [];
  readonly #initializers: Record<string, HostArray> = {};
  readonly #opset: number;

  /** Takes the version of the operators. */
  constructor(opset: number) {
    this.#opset = opset;
  }

  /** An input of the model. */
  input(name: string, shape: readonly number[], type: ElementType = "float32"): string {
    this.#inputs.push({ name, type, shape });
    return name;
  }

  /** A constant. */
  constant(data: readonly number[], shape: readonly number[] = [data.length], type: ElementType = "float32"): string {
    const name = `constant${Object.keys(this.#initializers).length}`;
    this.#initializers[name] = { type, shape, data };
    return name;
  }

  /** Integers that an operator takes as an input. */
  ints(...data: number[]): string {
    return this.constant(data, [data.length], "int64");
  }

  /** Zero points. */
  ints8(...data: number[]): string {
    return this.constant(data, [data.length], "int8");
  }

  /** One use of an operator; its first output. */
  node(opType: string, inputs: readonly string[], attributes: Attributes = {}, outputs = 1, domain = ""): string {
    const name = `${opType}_${this.#nodes.length}`;
    this.#nodes.push({
      opType,
      domain,
      name,
      inputs,
      outputs: Array.from({ length: outputs }, (_, i) => i === 0 ? name : `${name}:${i}`),
      attributes: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, kindOf(value)])),
    });
    return name;
  }

  /** The operators so far, as `domain:name`. */
  get operators(): Set<string> {
    return new Set(this.#nodes.map(({ domain, opType }) => `${domain}:${opType}`));
  }

  /** The file. */
  bytes(): Uint8Array {
    // An output says its type where the file declares it, but not where it is appended
    const [{ name, type, shape }] = this.#inputs;
    const same: OnnxNodeSource = { opType: "Identity", inputs: [name], outputs: ["same"] };
    const model = writeOnnx({
      opset: this.#opset,
      domains: { "com.microsoft": 1 },
      inputs: this.#inputs,
      outputs: [{ name: "same", type, shape }],
      nodes: [same, ...this.#nodes],
      initializers: this.#initializers,
    });
    return withOutputs(model, this.#nodes.flatMap((node) => node.outputs));
  }
}

function kindOf(value: Attributes[string]): OnnxAttribute {
  if (typeof value === "number") return { int: value };
  if (typeof value === "string") return { string: value };
  return Array.isArray(value) ? { ints: value } : value as OnnxAttribute;
}
