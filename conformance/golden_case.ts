import type { SafetensorsEntry } from "@dipp/nn";
import type { Tensor } from "@dipp/tensor";
import { type Entries, toTensor } from "./entries.ts";
import type { JsonObject } from "./json.ts";

/** What a {@linkcode GoldenCase} is made of. */
export interface GoldenCaseParts {
  /** Its description: `case.json`, or its entry in a manifest. */
  readonly info: JsonObject;
  /** The checkpoint. */
  readonly weights: Entries;
  /** Inputs and cotangents. */
  readonly inputs: Entries;
  /** What has to come out. */
  readonly outputs: Entries;
  /** The largest error allowed, by output. */
  readonly bounds: JsonObject;
  /** The folder with its files, where it has one of its own. */
  readonly folder?: string;
}

/** A reference case that was read: its description and its tensors. */
export class GoldenCase {
  /** Its description: `case.json`, or its entry in a manifest. */
  readonly info: JsonObject;
  /** The checkpoint. */
  readonly weights: Entries;
  /** Inputs and cotangents. */
  readonly inputs: Entries;
  /** What has to come out. */
  readonly outputs: Entries;
  /** The largest error allowed, by output. */
  readonly bounds: JsonObject;
  /** The folder with its files, where it has one of its own. */
  readonly folder: string | undefined;
  readonly #inputs: Readonly<Record<string, Tensor>>;
  readonly #weights: Readonly<Record<string, Tensor>>;

  /** Takes the parts as they are. */
  constructor(parts: GoldenCaseParts) {
    this.info = parts.info;
    this.weights = parts.weights;
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
    this.bounds = parts.bounds;
    this.folder = parts.folder;
    this.#inputs = tensorsOf(this.inputs);
    this.#weights = tensorsOf(this.weights);
  }

  /**
   * A field of the description.
   *
   * @param name Its name.
   * @returns Its value, taken for a `T`.
   * @throws {TypeError} If there is none.
   */
  field<T>(name: string): T {
    if (name in this.info) return this.info[name] as T;
    throw new TypeError(`the description has no "${name}"`);
  }

  /**
   * An input as a tensor, the same at every call, so that it can be differentiated with respect to.
   *
   * @throws {RangeError} If there is none of this name.
   */
  input(name: string): Tensor {
    return this.#inputs[name] ?? missing(this.inputs, name, "inputs");
  }

  /** All inputs as tensors, for those that a case may lack. */
  allInputs(): Readonly<Record<string, Tensor | undefined>> {
    return this.#inputs;
  }

  /** A weight as a tensor, the same at every call; throws a RangeError if there is none of this name. */
  weight(name: string): Tensor {
    return this.#weights[name] ?? missing(this.weights, name, "weights");
  }

  /** A stored output, for areas that read off it how much to compute; throws a RangeError if there is none. */
  output(name: string): SafetensorsEntry {
    return this.outputs.get(name) ?? missing(this.outputs, name, "outputs");
  }
}

function tensorsOf(entries: Entries): Readonly<Record<string, Tensor>> {
  return Object.fromEntries([...entries].map(([name, entry]) => [name, toTensor(entry)]));
}

function missing(entries: Entries, name: string, kind: string): never {
  throw new RangeError(`the ${kind} have no tensor "${name}", only ${[...entries.keys()].join(", ")}`);
}
