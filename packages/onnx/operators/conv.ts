/** Convolutions of one and two dimensions. */
import { conv2d, convTranspose2d, type Tensor } from "@dipp/tensor";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { show } from "../shape.ts";
import { Value } from "../value.ts";
import { centred } from "./product.ts";

/** How windows lie on one axis. */
export interface Window {
  /** Positions of a window. */
  readonly kernel: number;
  /** From one window to the next. */
  readonly stride: number;
  /** From one position to the next. */
  readonly dilation: number;
  /** Padding before the axis. */
  readonly before: number;
  /** Padding after it. */
  readonly after: number;
}

/** The windows of every spatial axis, from kernel_shape, strides, dilations, pads and auto_pad. */
export function windowsOf(call: Call, lengths: readonly number[], kernel: readonly number[]): Window[] {
  const { attributes } = call;
  const rank = lengths.length;
  const list = (name: string, missing: number) => attributes.ints(name) ?? new Array<number>(rank).fill(missing);
  const [strides, dilations] = [list("strides", 1), list("dilations", 1)];
  const pads = attributes.ints("pads") ?? new Array<number>(2 * rank).fill(0);
  if (kernel.length !== rank || strides.length !== rank || dilations.length !== rank || pads.length !== 2 * rank) {
    throw new RangeError(
      `kernel_shape ${show(kernel)}, strides ${show(strides)}, dilations ${show(dilations)} and pads ${show(pads)} ` +
        `do not fit ${rank} axes`,
    );
  }
  const auto = attributes.choice("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"], "NOTSET");
  return lengths.map((length, i) => {
    const window = { kernel: kernel[i], stride: strides[i], dilation: dilations[i] };
    if (auto === "VALID") return { ...window, before: 0, after: 0 };
    if (auto === "NOTSET") return { ...window, before: pads[i], after: pads[i + rank] };
    const count = Math.ceil(length / window.stride);
    const total = Math.max(0, (count - 1) * window.stride + (window.kernel - 1) * window.dilation + 1 - length);
    const less = Math.floor(total / 2);
    return auto === "SAME_UPPER"
      ? { ...window, before: less, after: total - less }
      : { ...window, before: total - less, after: less };
  });
}

/** Makes an image of a sequence, and refuses volumes. */
function asImage(x: Tensor): Tensor {
  if (x.ndim === 4) return x;
  if (x.ndim === 3) return x.unsqueeze(2);
  throw new RangeError(`it has shape ${show(x.shape)}: expected one or two spatial axes`);
}

/** The windows of an image; a sequence is an image of one row. */
function onImage(windows: readonly Window[]): readonly Window[] {
  return windows.length === 2 ? windows : [{ kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 }, ...windows];
}

const pair = (windows: readonly Window[], name: keyof Window) => [windows[0][name], windows[1][name]] as const;

/** Convolution with padding that may differ on the two sides. */
function convolve(call: Call, x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const windows = onImage(
    windowsOf(call, x.shape.slice(2), call.attributes.ints("kernel_shape") ?? weight.shape.slice(2)),
  );
  const even = windows.every((w) => w.before === w.after);
  const image = asImage(x);
  const padded = even
    ? image
    : image.pad([[0, 0], [0, 0], ...windows.map((w): [number, number] => [w.before, w.after])]);
  const y = conv2d(padded, asImage(weight), {
    bias,
    stride: pair(windows, "stride"),
    dilation: pair(windows, "dilation"),
    padding: even ? pair(windows, "before") : 0,
    groups: call.attributes.int("group") ?? 1,
  });
  return x.ndim === 3 ? y.squeeze(2) : y;
}

const conv: Operator = {
  since: 1,
  apply: (call) => call.result(convolve(call, call.tensor(0), call.tensor(1), call.optional(2))),
};

const convInteger: Operator = {
  since: 10,
  apply: (call) => {
    const y = convolve(call, centred(call, 0, 2), centred(call, 1, 3), undefined);
    return Value.ofTensor(y.round(), "int32");
  },
};

const convTranspose: Operator = {
  since: 1,
  apply: (call) => {
    const { attributes } = call;
    const [x, weight] = [call.tensor(0), call.tensor(1)];
    const lengths = x.shape.slice(2);
    const auto = attributes.string("auto_pad") ?? "NOTSET";
    const extra = attributes.ints("output_padding") ?? lengths.map(() => 0);
    // Only kernel, stride and dilation: what auto_pad means depends on the length of the result
    const free = windowsOf(call, lengths, attributes.ints("kernel_shape") ?? weight.shape.slice(2));
    const wanted = attributes.ints("output_shape")?.slice(-lengths.length);
    const windows = free.map((w, i) => {
      const full = (lengths[i] - 1) * w.stride + (w.kernel - 1) * w.dilation + 1 + extra[i];
      const target = wanted?.[i] ?? (auto.startsWith("SAME") ? lengths[i] * w.stride : undefined);
      if (target === undefined) return { ...w, full };
      const total = Math.max(0, full - target);
      const half = Math.floor(total / 2);
      const before = auto === "SAME_UPPER" ? half : total - half;
      return { ...w, full, before, after: total - before };
    });
    const image = onImage(windows);
    const y = convTranspose2d(asImage(x), asImage(weight), {
      bias: call.optional(2),
      stride: pair(image, "stride"),
      dilation: pair(image, "dilation"),
      outputPadding: lengths.length === 2 ? [extra[0], extra[1]] : [0, extra[0]],
      groups: attributes.int("group") ?? 1,
    });
    const cut = x.ndim === 3 ? y.squeeze(2) : y;
    return call.result(cut.slice([null, null, ...windows.map((w): [number, number] => [w.before, w.full - w.after])]));
  },
};

/** The convolutions. */
export const convolutions: OperatorTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  ConvInteger: convInteger,
};
