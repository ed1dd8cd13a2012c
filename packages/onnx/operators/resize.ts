/** Resize: a linear map of each axis, its weights computed in double precision. */
import { type Tensor, tensor } from "@dipp/tensor";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { normalizeAxis, show } from "../shape.ts";
import { type AxisResize, type CoordinateMode, type NearestMode, nearestSource, resizeMatrix } from "../resize_axis.ts";

const COORDINATES = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "tf_half_pixel_for_nn",
  "tf_crop_and_resize",
] as const satisfies readonly CoordinateMode[];
const NEAREST = [
  "round_prefer_floor",
  "round_prefer_ceil",
  "floor",
  "ceil",
] as const satisfies readonly NearestMode[];

/** Every axis that is resized, from scales or sizes (roi, scales and sizes are inputs 1 to 3; scales is input 1 of opset 10). */
function resizes(call: Call): AxisResize[] {
  const { attributes, opset } = call;
  const { shape } = call.input(0);
  const axes = attributes.ints("axes")?.map((a) => normalizeAxis(a, shape.length)) ?? shape.map((_, i) => i);
  const list = (index: number, what: string) => Array.from(call.known(index, what) ?? []);
  const scales = attributes.floats("scales") ?? list(opset < 11 ? 1 : 2, "scales");
  const sizes = opset < 11 ? [] : list(3, "sizes");
  const roi = opset < 11 ? [] : list(1, "roi");
  const given = sizes.length > 0 ? sizes : scales;
  if (given.length !== axes.length) {
    throw new RangeError(`scales ${show(scales)} and sizes ${show(sizes)} do not fit ${axes.length} axes`);
  }
  const policy = attributes.string("keep_aspect_ratio_policy") ?? "stretch";
  let factors = sizes.length > 0 ? sizes.map((n, i) => n / shape[axes[i]]) : [...scales];
  let lengths: number[] = sizes.length > 0 ? sizes : axes.map((axis, i) => Math.floor(shape[axis] * factors[i] + 1e-9));
  if (sizes.length > 0 && policy !== "stretch") {
    const common = policy === "not_larger" ? Math.min(...factors) : Math.max(...factors);
    factors = factors.map(() => common);
    lengths = axes.map((axis) => Math.floor(common * shape[axis] + 0.5));
  }
  return axes.map((axis, i): AxisResize => ({
    axis,
    from: shape[axis],
    to: lengths[i],
    scale: factors[i],
    roi: roi.length > 0 ? [roi[i], roi[i + axes.length]] : [0, 1],
  }));
}

/** Applies a matrix [to, from] to an axis. */
function applyAlong(x: Tensor, axis: number, matrix: Tensor): Tensor {
  if (axis === x.ndim - 1) return x.matmul(matrix.transpose(0, 1));
  if (axis === x.ndim - 2) return matrix.matmul(x);
  return x.movedim(axis, -1).matmul(matrix.transpose(0, 1)).movedim(-1, axis);
}

/** Whole repetitions are views. */
function pickAlong(x: Tensor, axis: number, source: readonly number[]): Tensor {
  const n = x.shape[axis];
  const times = source.length / n;
  if (!Number.isInteger(times) || source.some((s, i) => s !== Math.floor(i / times))) {
    return x.indexSelect(axis, tensor(Int32Array.from(source)));
  }
  const repeated = x.shape.toSpliced(axis, 1, n, times);
  return x.unsqueeze(axis + 1).expand(repeated).reshape(x.shape.toSpliced(axis, 1, n * times));
}

const resize: Operator = {
  since: 10,
  apply: (call) => {
    const { attributes, opset } = call;
    const mode = attributes.choice("mode", ["nearest", "linear", "cubic"], "nearest");
    const coordinates = opset < 11
      ? "asymmetric"
      : attributes.choice("coordinate_transformation_mode", COORDINATES, "half_pixel");
    const nearest = opset < 11 ? "floor" : attributes.choice("nearest_mode", NEAREST, "round_prefer_floor");
    if (coordinates === "tf_crop_and_resize" && mode === "nearest") {
      throw new RangeError("tf_crop_and_resize is not supported with mode nearest");
    }
    let x = call.tensor(0);
    for (const one of resizes(call)) {
      if (one.from === one.to && one.scale === 1 && coordinates !== "tf_crop_and_resize") continue;
      if (mode === "nearest") x = pickAlong(x, one.axis, nearestSource(one, coordinates, nearest));
      else {
        const data = resizeMatrix(one, {
          mode,
          coordinates,
          cubic: attributes.float("cubic_coeff_a") ?? -0.75,
          antialias: attributes.int("antialias") === 1,
          excludeOutside: attributes.int("exclude_outside") === 1,
          outside: attributes.float("extrapolation_value") ?? 0,
        });
        x = applyAlong(x, one.axis, tensor(data, [one.to, one.from]));
      }
    }
    return call.result(x);
  },
};

/** Resize as it was before opset 10: factors in an input or attribute, positions asymmetric. */
const upsample: Operator = {
  since: 7,
  apply: (call) => {
    const mode = call.attributes.choice("mode", ["nearest", "linear"], "nearest");
    const scales = call.attributes.floats("scales") ?? Array.from(call.known(1, "scales") ?? []);
    let x = call.tensor(0);
    x.shape.forEach((from, axis) => {
      const one: AxisResize = { axis, from, to: Math.floor(from * scales[axis]), scale: scales[axis], roi: [0, 1] };
      if (one.to === from) return;
      if (mode === "nearest") x = pickAlong(x, axis, nearestSource(one, "asymmetric", "floor"));
      else x = applyAlong(x, axis, tensor(resizeMatrix(one, { mode, coordinates: "asymmetric" }), [one.to, from]));
    });
    return call.result(x);
  },
};

/** The operators that resize. */
export const resizing: OperatorTable = { Resize: resize, Upsample: upsample };
