/** Every operator of the importer, in models of a family each. */
import { type Family, float, numbers } from "./family.ts";
import { images, resizing } from "./image_operators.ts";

const activations: Family = {
  name: "activations",
  opset: 20,
  build(g) {
    const x = g.input("x", [2, 3, 4]);
    for (const op of ["Relu", "Sigmoid", "Softplus", "Softsign", "HardSigmoid", "HardSwish", "Mish", "Selu", "Elu"]) {
      g.node(op, [x]);
    }
    g.node("LeakyRelu", [x], { alpha: float(0.3) });
    g.node("PRelu", [x, g.constant([0.1, 0.2, 0.3], [3, 1])]);
    g.node("ThresholdedRelu", [x], { alpha: float(0.4) });
    g.node("Elu", [x], { alpha: float(0.7) });
    g.node("Celu", [x], { alpha: float(0.7) });
    g.node("Selu", [x], { alpha: float(1.1), gamma: float(0.9) });
    g.node("HardSigmoid", [x], { alpha: float(0.3), beta: float(0.4) });
    g.node("Gelu", [x]);
    g.node("Gelu", [x], { approximate: "tanh" });
    g.node("Shrink", [x], { lambd: float(0.3), bias: float(0.1) });
    const bias = g.constant(numbers(4));
    g.node("Gelu", [x], {}, 1, "com.microsoft");
    g.node("FastGelu", [x, bias], {}, 1, "com.microsoft");
    g.node("BiasGelu", [x, bias], {}, 1, "com.microsoft");
    g.node("QuickGelu", [x], { alpha: float(1.3) }, 1, "com.microsoft");
  },
};

const arithmetic: Family = {
  name: "arithmetic",
  opset: 18,
  build(g) {
    const [x, y] = [g.input("x", [2, 3, 4]), g.input("y", [3, 1])];
    const i = g.input("i", [2, 4], "int32");
    const j = g.constant([3, -2, 5, -7], [4], "int32");
    const positive = g.node("Add", [g.node("Abs", [x]), g.constant([0.5])]);
    for (const op of ["Add", "Sub", "Mul", "Div", "Min", "Max", "Greater", "Less", "LessOrEqual"]) g.node(op, [x, y]);
    for (const op of ["Equal", "GreaterOrEqual", "Sub", "Mul", "Div", "Mod"]) g.node(op, [i, j]);
    for (const op of ["Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Exp", "Reciprocal", "Sin", "Cos", "Tan"]) {
      g.node(op, [x]);
    }
    for (const op of ["Sinh", "Cosh", "Tanh", "Erf", "Identity", "Dropout", "IsNaN", "IsInf"]) g.node(op, [x]);
    for (const op of ["Sqrt", "Log"]) g.node(op, [positive]);
    for (const op of ["Sum", "Mean", "Min", "Max"]) g.node(op, [x, y, positive]);
    g.node("Mod", [x, y], { fmod: 1 });
    g.node("Pow", [x, g.constant([3], [])]);
    g.node("Pow", [positive, y]);
    const [p, q] = [g.node("Greater", [x, y]), g.node("Greater", [positive, y])];
    for (const op of ["And", "Or", "Xor"]) g.node(op, [p, q]);
    g.node("Not", [p]);
    g.node("Where", [p, x, y]);
    g.node("Clip", [x, g.constant([-0.3], []), g.constant([0.4], [])]);
    g.node("Clip", [x, "", g.constant([0.4], [])]);
    g.node("Cast", [g.node("Mul", [x, g.constant([5])])], { to: 6 });
    g.node("Cast", [i], { to: 1 });
    g.node("Cast", [i], { to: 9 });
    g.node("CastLike", [i, x]);
  },
};

const normalizations: Family = {
  name: "normalisations",
  opset: 21,
  build(g) {
    const x = g.input("x", [2, 4, 3, 5]);
    const four = [1, 2, 3, 4].map((k) => g.constant(numbers(4).map((v) => v + k * 0.3)));
    const variance = g.constant([0.5, 1, 2, 3]);
    for (const op of ["Softmax", "LogSoftmax", "Hardmax"]) {
      g.node(op, [x]);
      g.node(op, [x], { axis: 1 });
    }
    g.node("BatchNormalization", [x, four[0], four[1], four[2], variance], { epsilon: float(1e-3) });
    g.node("InstanceNormalization", [x, four[0], four[1]], { epsilon: float(1e-3) });
    g.node("GroupNormalization", [x, four[0], four[1]], { num_groups: 2 });
    g.node("LayerNormalization", [x, g.constant(numbers(5)), g.constant(numbers(5))]);
    g.node("LayerNormalization", [x, g.constant(numbers(15), [3, 5])], { axis: 2, epsilon: float(1e-2) });
    g.node("LpNormalization", [x], { axis: 1 });
    g.node("LpNormalization", [x], { axis: -1, p: 1 });
    g.node("LRN", [x], { size: 3, alpha: float(0.5), beta: float(0.6), bias: float(1.5) });
    g.node("MeanVarianceNormalization", [x]);
    const [rows, more] = [g.input("rows", [2, 3, 8]), g.input("more", [2, 3, 8])];
    const eight = () => g.constant(numbers(8));
    g.node("SkipLayerNormalization", [rows, more, eight(), eight(), eight()], {}, 1, "com.microsoft");
  },
};

const reductions: Family = {
  name: "reductions",
  opset: 18,
  build(g) {
    const x = g.input("x", [2, 3, 4]);
    const all = ["Sum", "Mean", "Prod", "Max", "Min", "L1", "L2", "SumSquare", "LogSumExp"];
    for (const op of all) g.node(`Reduce${op}`, [x, g.ints(1)], { keepdims: 0 });
    for (const op of ["Sum", "Mean"]) g.node(`Reduce${op}`, [x, g.ints(-1, 0)]);
    g.node("ReduceLogSum", [g.node("Exp", [x]), g.ints(2)]);
    g.node("ReduceMax", [x]);
    g.node("ReduceSum", [x], { noop_with_empty_axes: 1 });
    for (const op of ["ArgMax", "ArgMin"]) g.node(op, [x], { axis: 2, keepdims: 0 });
    g.node("ArgMax", [g.node("Sign", [x])], { axis: 1, select_last_index: 1 });
    g.node("TopK", [x, g.ints(2)], {}, 2);
    g.node("TopK", [x, g.ints(1)], { axis: 1, largest: 0 }, 2);
    g.node("CumSum", [x, g.constant([1], [], "int32")]);
    g.node("CumSum", [x, g.constant([-1], [], "int32")], { exclusive: 1, reverse: 1 });
  },
};

const shapes: Family = {
  name: "shapes and positions",
  opset: 18,
  build(g) {
    const x = g.input("x", [2, 3, 4]);
    const index = g.input("index", [2, 2], "int64");
    g.node("Shape", [x], { start: 1 });
    g.node("Size", [x]);
    g.node("Reshape", [x, g.ints(0, -1)]);
    g.node("Flatten", [x], { axis: 2 });
    g.node("Squeeze", [g.node("Unsqueeze", [x, g.ints(0, -1)]), g.ints(0)]);
    g.node("Transpose", [x], { perm: [2, 0, 1] });
    g.node("Transpose", [x]);
    g.node("Slice", [x, g.ints(-1, 3), g.ints(-9, 0), g.ints(0, 2), g.ints(-1, -2)]);
    g.node("Split", [x, g.ints(1, 3)], { axis: 2 }, 2);
    g.node("Split", [x], { axis: 1, num_outputs: 2 }, 2);
    g.node("Concat", [x, x], { axis: -2 });
    g.node("Expand", [x, g.ints(2, 1, 1, 4)]);
    g.node("Tile", [x, g.ints(1, 2, 3)]);
    g.node("ConstantOfShape", [g.node("Shape", [x])], {
      value: { tensor: { type: "float32", shape: [1], data: [0.5] } },
    });
    g.node("Range", [0, 7, 2].map((n) => g.constant([n], [], "int64")));
    g.node("EyeLike", [g.constant(numbers(6), [2, 3])], { k: 1 });
    g.node("Gather", [x, index], { axis: 2 });
    g.node("Gather", [x, g.constant([-1], [], "int64")], { axis: 1 });
    g.node("GatherElements", [g.node("ReduceMax", [x, g.ints(1)], { keepdims: 0 }), index], { axis: 1 });
    g.node("GatherND", [x, index]);
    g.node("GatherND", [x, g.constant([0, 2], [2, 1], "int64")], { batch_dims: 1 });
    const updates = g.node("Slice", [x, g.ints(0), g.ints(2), g.ints(1)]);
    g.node("ScatterElements", [x, g.constant([2, 0], [2, 1, 1], "int64"), g.constant([5, 6], [2, 1, 1])], { axis: 1 });
    g.node("ScatterElements", [x, g.constant([1, 1], [2, 1, 1], "int64"), g.constant([5, 6], [2, 1, 1])], {
      axis: 1,
      reduction: "add",
    });
    g.node("ScatterND", [x, g.constant([1, 0], [2, 1], "int64"), g.node("Neg", [x])]);
    g.node("ScatterND", [x, g.constant([0, 1, 1, 2], [2, 2], "int64"), g.constant(numbers(8), [2, 4])]);
    g.node("OneHot", [index, g.constant([3], [], "int64"), g.constant([-1, 2])], { axis: 1 });
    g.node("NonZero", [g.constant([0, 1, 2, 0], [2, 2])]);
    g.node("Compress", [x, g.constant([1, 0, 1], [3], "bool")], { axis: 1 });
    g.node("Trilu", [x, g.constant([1], [], "int64")]);
    g.node("Trilu", [x], { upper: 0 });
    g.node("ReverseSequence", [x, g.ints(2, 3)], { batch_axis: 0, time_axis: 1 });
    g.node("Neg", [updates]);
  },
};

const products: Family = {
  name: "products and quantisation",
  opset: 21,
  build(g) {
    const [a, b] = [g.input("a", [2, 3, 4]), g.input("b", [4, 5])];
    const square = g.node("ReduceMean", [a, g.ints(0)], { keepdims: 0 });
    g.node("MatMul", [a, b]);
    g.node("Gemm", [b, square, g.constant(numbers(3))], {
      transA: 1,
      transB: 1,
      alpha: float(0.5),
      beta: float(2),
    });
    g.node("Einsum", [a, b], { equation: "bij,jk->kbi" });
    g.node("FusedMatMul", [b, a], { transA: 1, transB: 1, alpha: float(0.3) }, 1, "com.microsoft");
    const scale = g.constant([0.01], []);
    const signed = g.node("QuantizeLinear", [a, scale, g.constant([3], [], "int8")]);
    g.node("DequantizeLinear", [signed, scale, g.constant([3], [], "int8")]);
    const axis = g.node("QuantizeLinear", [b, g.constant([0.01, 0.02, 0.03, 0.04]), g.ints8(1, 2, 3, 4)], { axis: 0 });
    g.node("DequantizeLinear", [axis, g.constant([0.01, 0.02, 0.03, 0.04]), g.ints8(1, 2, 3, 4)], { axis: 0 });
    const dynamic = g.node("DynamicQuantizeLinear", [b], {}, 3);
    const byte = g.node("QuantizeLinear", [square, g.constant([0.01], []), g.constant([128], [], "uint8")]);
    g.node("MatMulInteger", [byte, dynamic, g.constant([128], [], "uint8"), `${dynamic}:2`]);
  },
};

/** What changed its meaning with the opset. */
const old: Family = {
  name: "operators of opset 11",
  opset: 11,
  build(g) {
    const x = g.input("x", [2, 3, 4]);
    g.node("Softmax", [x], { axis: 1 });
    g.node("LogSoftmax", [x]);
    g.node("Squeeze", [g.node("Unsqueeze", [x], { axes: [0, -1] })], { axes: [0] });
    g.node("ReduceSum", [x], { axes: [-1], keepdims: 0 });
    g.node("Split", [x], { axis: 2, split: [1, 3] }, 2);
    g.node("Clip", [x, g.constant([-0.2], [])]);
    g.node("Resize", [x, g.constant([]), g.constant([1, 1, 2])], { mode: "nearest" });
    g.node("Pad", [x, g.ints(0, 0, 1, 0, 0, 1)]);
  },
};

/** What opset 10 has and 11 has not. */
const older: Family = {
  name: "operators of opset 9",
  opset: 9,
  build(g) {
    const x = g.input("x", [1, 2, 3, 4]);
    g.node("Upsample", [x, g.constant([1, 1, 2, 3])]);
    g.node("Upsample", [x, g.constant([1, 1, 2, 3])], { mode: "linear" });
    g.node("Clip", [x], { min: float(-0.2), max: float(0.3) });
    g.node("Slice", [x], { starts: [1], ends: [9], axes: [3] });
    g.node("Pad", [x], { pads: [0, 0, 1, 0, 0, 0, 0, 2], value: float(0.4) });
    g.node("TopK", [x], { axis: 3, k: 2 }, 2);
    g.node("Scatter", [x, g.constant([2, 0], [1, 1, 2, 1], "int64"), g.constant([5, 6], [1, 1, 2, 1])], { axis: 3 });
  },
};

/** Operators of the last opsets. */
const newest: Family = {
  name: "operators of opset 24",
  opset: 24,
  build(g) {
    const [q, k, v] = [g.input("q", [1, 2, 5, 4]), g.input("k", [1, 2, 6, 4]), g.input("v", [1, 2, 6, 3])];
    g.node("Attention", [q, k, v]);
    g.node("Attention", [q, k, v, g.constant(numbers(30), [5, 6])], { scale: float(0.4) });
    g.node("Attention", [q, k, v], { is_causal: 1 });
    const rows = g.input("rows", [1, 3, 8]);
    g.node("Attention", [rows, rows, rows], { q_num_heads: 2, kv_num_heads: 2 });
    g.node("Swish", [rows], { alpha: float(1.3) });
    g.node("RMSNormalization", [rows, g.constant(numbers(8))], { epsilon: float(1e-3) });
  },
};

/** All families. */
export const FAMILIES: readonly Family[] = [
  activations,
  arithmetic,
  images,
  resizing,
  normalizations,
  reductions,
  shapes,
  products,
  old,
  older,
  newest,
];
