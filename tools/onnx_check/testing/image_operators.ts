/** Operators on images. */
import { type Family, float, numbers } from "./family.ts";

/** Convolutions and pools. */
export const images: Family = {
  name: "convolutions and pools",
  opset: 21,
  build(g) {
    const x = g.input("x", [2, 4, 7, 6]);
    const line = g.input("line", [1, 2, 9]);
    const w = g.constant(numbers(6 * 2 * 9), [6, 2, 3, 3]);
    const bias = g.constant(numbers(6));
    g.node("Conv", [x, w, bias], { group: 2, pads: [1, 0, 2, 1], strides: [2, 1] });
    g.node("Conv", [x, w], { group: 2, auto_pad: "SAME_UPPER", strides: [2, 2], kernel_shape: [3, 3] });
    g.node("Conv", [x, w], { group: 2, auto_pad: "SAME_LOWER", strides: [2, 1] });
    g.node("Conv", [line, g.constant(numbers(12), [2, 2, 3])], { pads: [2, 2], dilations: [2] });
    const up = g.constant(numbers(4 * 2 * 9), [4, 2, 3, 3]);
    g.node("ConvTranspose", [x, up], { strides: [2, 2], pads: [1, 0, 1, 1], output_padding: [1, 0] });
    g.node("ConvTranspose", [x, up], { group: 2, strides: [2, 1], dilations: [1, 2] });
    g.node("ConvTranspose", [x, up], { strides: [2, 2], output_shape: [14, 12] });
    g.node("ConvTranspose", [line, g.constant(numbers(12), [2, 2, 3]), g.constant([0.1, -0.2])], { strides: [2] });
    g.node("MaxPool", [x], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] });
    g.node("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 });
    g.node("MaxPool", [x], { kernel_shape: [2, 2], dilations: [2, 2] });
    g.node("MaxPool", [line], { kernel_shape: [3], strides: [2] });
    g.node("AveragePool", [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    g.node("AveragePool", [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 });
    g.node("AveragePool", [x], { kernel_shape: [3, 3], strides: [2, 2], auto_pad: "SAME_UPPER" });
    g.node("LpPool", [x], { kernel_shape: [2, 2], p: 2, strides: [2, 2] });
    for (const op of ["GlobalAveragePool", "GlobalMaxPool"]) g.node(op, [x]);
    g.node("DepthToSpace", [x], { blocksize: 2 });
    g.node("DepthToSpace", [x], { blocksize: 2, mode: "CRD" });
    g.node("SpaceToDepth", [g.node("Slice", [x, g.ints(0), g.ints(6), g.ints(2)])], { blocksize: 2 });
    const bytes = g.node("QuantizeLinear", [x, g.constant([0.02], []), g.constant([120], [], "uint8")]);
    g.node("ConvInteger", [bytes, g.constant([1, 2, 3, 4], [1, 4, 1, 1], "uint8"), g.constant([120], [], "uint8")]);
  },
};

/** Resizing and padding. */
export const resizing: Family = {
  name: "resizing and padding",
  opset: 19,
  build(g) {
    const x = g.input("x", [1, 2, 5, 4]);
    const [up, sizes] = [g.constant([1, 1, 1.6, 2]), g.ints(1, 2, 8, 3)];
    const modes = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"];
    for (const mode of ["nearest", "linear", "cubic"]) {
      for (const coordinate_transformation_mode of modes) {
        g.node("Resize", [x, "", up], { mode, coordinate_transformation_mode });
      }
    }
    for (const nearest_mode of ["round_prefer_ceil", "floor", "ceil"]) {
      g.node("Resize", [x, "", "", sizes], { mode: "nearest", nearest_mode });
    }
    g.node("Resize", [x, "", "", sizes], { mode: "linear" });
    g.node("Resize", [x, "", up], { mode: "cubic", cubic_coeff_a: float(-0.5), exclude_outside: 1 });
    g.node("Resize", [x, "", g.constant([1, 1, 0.4, 0.5])], { mode: "linear", antialias: 1 });
    g.node("Resize", [x, "", g.constant([1, 1, 0.4, 0.5])], { mode: "cubic", antialias: 1 });
    const crop = g.constant([0, 0, 0.1, 0.2, 1, 1, 0.8, 0.9]);
    g.node("Resize", [x, crop, up], { mode: "linear", coordinate_transformation_mode: "tf_crop_and_resize" });
    const pads = g.ints(0, 0, 1, 2, 0, 0, 2, 1);
    g.node("Pad", [x, pads, g.constant([0.7], [])]);
    for (const mode of ["reflect", "edge", "wrap"]) g.node("Pad", [x, pads], { mode });
    g.node("Pad", [x, g.ints(1, -1), "", g.ints(3)]);
  },
};
