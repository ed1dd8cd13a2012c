/** Constants. */
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { decodeTensor, type HostArray } from "../tensor_data.ts";
import { Value } from "../value.ts";

function constantOf({ attributes }: Call): HostArray {
  const proto = attributes.tensor("value");
  if (proto) return decodeTensor(proto, new Map());
  const [float, int] = [attributes.float("value_float"), attributes.int("value_int")];
  if (float !== undefined) return { type: "float32", shape: [], data: [float] };
  if (int !== undefined) return { type: "int64", shape: [], data: [int] };
  const [floats, ints] = [attributes.floats("value_floats"), attributes.ints("value_ints")];
  if (floats) return { type: "float32", shape: [floats.length], data: floats };
  if (ints) return { type: "int64", shape: [ints.length], data: ints };
  throw new TypeError("it holds no dense numbers: expected value, value_float, value_int, value_floats or value_ints");
}

const constant: Operator = { since: 1, apply: (call) => Value.ofHost(constantOf(call)) };

/** The operator of constants. */
export const constants: OperatorTable = { Constant: constant };
