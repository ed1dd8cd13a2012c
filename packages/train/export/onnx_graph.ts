/** Building ONNX graphs layer by layer, from parameters of dipp's layers. */
import type { Conv2dParams, EmbeddingParams, GroupNormParams, LinearParams } from "@dipp/nn";
import { type HostArray, type OnnxAttribute, type OnnxNodeSource, type OnnxValueInfo, writeOnnx } from "@dipp/onnx";
import type { Tensor } from "@dipp/tensor";

/** The name of a value of the graph. */
export type Value = string;

/** Version of ONNX's operators: PyTorch's exporters write it, and every runtime of the last years reads it. */
const OPSET = 17;

/** A graph that grows; each method adds what a layer of `@dipp/nn` computes. Batch and pixels may be of any number. */
export class OnnxGraph {
  readonly #nodes: OnnxNodeSource[] = [];
  readonly #initializers: Record<string, HostArray> = {};
  readonly #uses = new Map<string, number>();

  /** One use of an operator. */
  node(opType: string, inputs: readonly Value[], attributes: Readonly<Record<string, OnnxAttribute>> = {}): Value {
    const count = (this.#uses.get(opType) ?? 0) + 1;
    this.#uses.set(opType, count);
    const output = `${opType}_${count}`;
    this.#nodes.push({ opType, inputs, outputs: [output], attributes });
    return output;
  }

  /** A parameter, under its name in the checkpoint. */
  async parameter(name: string, tensor: Tensor): Promise<Value> {
    this.#initializers[name] ??= {
      type: "float32",
      shape: [...tensor.shape],
      data: Float32Array.from(await tensor.cast("f32").data()),
    };
    return name;
  }

  /** Real numbers that are no parameter. */
  reals(name: string, data: readonly number[], shape: readonly number[] = []): Value {
    this.#initializers[name] ??= { type: "float32", shape, data };
    return name;
  }

  /** Whole numbers, in one axis; a number alone is a scalar. */
  integers(name: string, data: readonly number[] | number): Value {
    const isScalar = typeof data === "number";
    this.#initializers[name] ??= {
      type: "int64",
      shape: isScalar ? [] : [data.length],
      data: isScalar ? [data] : data,
    };
    return name;
  }

  /** x times its sigmoid. */
  silu(x: Value): Value {
    return this.node("Mul", [x, this.node("Sigmoid", [x])]);
  }

  /** A linear layer of `[B, in]`. */
  async linear(name: string, { weight, bias }: LinearParams, x: Value): Promise<Value> {
    const inputs = [x, await this.parameter(`${name}.weight`, weight)];
    if (bias) inputs.push(await this.parameter(`${name}.bias`, bias));
    return this.node("Gemm", inputs, { transB: { int: 1 } });
  }

  /** A convolution with padding 1, `[B, C, H, W]`. */
  async conv2d(name: string, { weight, bias }: Conv2dParams, x: Value, stride = 1): Promise<Value> {
    const inputs = [x, await this.parameter(`${name}.weight`, weight)];
    if (bias) inputs.push(await this.parameter(`${name}.bias`, bias));
    return this.node("Conv", inputs, {
      kernel_shape: { ints: weight.shape.slice(2) },
      strides: { ints: [stride, stride] },
      pads: { ints: [1, 1, 1, 1] },
    });
  }

  /** Group normalisation: instances of one channel a group, normalised, then scaled and shifted by channel. */
  async groupNorm(name: string, { weight, bias }: GroupNormParams, x: Value, groups: number): Promise<Value> {
    const shape = this.node("Shape", [x]);
    const grouped = this.node("Reshape", [x, this.integers(`shape.groups_${groups}`, [0, groups, -1])]);
    const ones = this.reals(`ones_${groups}`, new Array<number>(groups).fill(1), [groups]);
    const zeros = this.reals(`zeros_${groups}`, new Array<number>(groups).fill(0), [groups]);
    const normal = this.node("InstanceNormalization", [grouped, ones, zeros], { epsilon: { float: 1e-5 } });
    let y = this.node("Reshape", [normal, shape]);
    const channels = async (suffix: string, t: Tensor) =>
      await this.parameter(`${name}.${suffix}`, t.reshape([t.size, 1, 1]));
    if (weight) y = this.node("Mul", [y, await channels("weight", weight)]);
    if (bias) y = this.node("Add", [y, await channels("bias", bias)]);
    return y;
  }

  /** Rows of a table by integers. */
  async embedding(name: string, { weight }: EmbeddingParams, ids: Value): Promise<Value> {
    return this.node("Gather", [await this.parameter(`${name}.weight`, weight), ids]);
  }

  /**
   * The file.
   *
   * @param inputs What the model is given.
   * @param output A value, and what it is called in the file.
   * @returns Its bytes.
   */
  write(inputs: readonly OnnxValueInfo[], output: { readonly value: Value; readonly info: OnnxValueInfo }): Uint8Array {
    return writeOnnx({
      opset: OPSET,
      inputs,
      outputs: [output.info],
      nodes: [...this.#nodes, { opType: "Identity", inputs: [output.value], outputs: [output.info.name] }],
      initializers: this.#initializers,
    });
  }
}
