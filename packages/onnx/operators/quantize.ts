/** Linear quantisation. Rounding has no gradient: zero, as everywhere in dipp. */
import type { Tensor } from "@dipp/tensor";
import { type ElementType, elementType } from "../element_type.ts";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { Value } from "../value.ts";

const RANGES: Readonly<Partial<Record<ElementType, readonly [number, number]>>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/** A scale or zero point, one number or one for each position of an axis (or, since opset 21, of blocks of it). */
function along(call: Call, index: number): Tensor {
  const parameter = call.input(index);
  const x = call.input(0);
  const t = parameter.tensor.cast("f32");
  if (parameter.size === 1) return t.reshape([]);
  const axis = call.axis("axis", 1);
  if (parameter.ndim === 1) return t.reshape(x.shape.map((_, i) => i === axis ? -1 : 1));
  const block = call.attributes.int("block_size") ?? 1;
  const repeated = parameter.shape.toSpliced(axis + 1, 0, block);
  return t.unsqueeze(axis + 1).expand(repeated).reshape(
    parameter.shape.map((n, i) => i === axis ? n * block : n),
  ).slice(x.shape.map((n) => [0, n]));
}

function quantised(x: Tensor, scale: Tensor, zero: Tensor | undefined, type: ElementType): Value {
  const range = RANGES[type];
  if (!range) throw new TypeError(`it quantises to ${type}: expected one of ${Object.keys(RANGES).join(", ")}`);
  const whole = x.div(scale).round();
  return Value.ofTensor((zero ? whole.add(zero) : whole).clamp(...range), type);
}

const quantize: Operator = {
  since: 10,
  apply: (call) => {
    const point = call.inputs[2];
    const named = call.attributes.int("output_dtype");
    const type = point?.type ?? (named ? elementType(named) : "uint8");
    return quantised(call.tensor(0), along(call, 1), point && along(call, 2), type);
  },
};

const dequantize: Operator = {
  since: 10,
  apply: (call) => {
    const x = call.tensor(0).cast("f32");
    const centred = call.has(2) ? x.sub(along(call, 2)) : x;
    return Value.ofTensor(centred.mul(along(call, 1)), call.input(1).type);
  },
};

/** uint8 of the range that the tensor itself has, zero included. */
const dynamicQuantize: Operator = {
  since: 11,
  apply: (call) => {
    const x = call.tensor(0);
    const [low, high] = [x.min().minimum(0), x.max().maximum(0)];
    const scale = high.sub(low).div(255);
    const zero = low.neg().div(scale).round().clamp(0, 255);
    return [quantised(x, scale, zero, "uint8"), Value.ofTensor(scale, "float32"), Value.ofTensor(zero, "uint8")];
  },
};

/** The operators of quantisation. */
export const quantization: OperatorTable = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamicQuantize,
};
