/** Pooling. */
import { avgPool2d, maxPool2d, type Tensor, tensor } from "@dipp/tensor";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { show, sizeOf } from "../shape.ts";
import { type Window, windowsOf } from "./conv.ts";

/** A window on an axis, and how many there are. */
interface Counted extends Window {
  readonly length: number;
  readonly count: number;
}

/** The windows of both axes of an image; a sequence is an image of one row. */
function counted(call: Call): Counted[] {
  const { shape } = call.input(0);
  const lengths = shape.slice(2);
  if (lengths.length !== 1 && lengths.length !== 2) {
    throw new RangeError(`input 0 has shape ${show(shape)}: expected one or two spatial axes`);
  }
  const kernel = call.attributes.ints("kernel_shape");
  if (!kernel) throw new SyntaxError("attribute kernel_shape is missing");
  const ceil = call.attributes.int("ceil_mode") === 1;
  const windows = windowsOf(call, lengths, kernel).map((w, i): Counted => {
    const steps = (lengths[i] + w.before + w.after - (w.kernel - 1) * w.dilation - 1) / w.stride;
    const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A last window has to begin before the padding behind
    const late = ceil && (count - 1) * w.stride >= lengths[i] + w.before;
    return { ...w, length: lengths[i], count: late ? count - 1 : count };
  });
  const row = { kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, length: 1, count: 1 };
  return lengths.length === 1 ? [row, ...windows] : windows;
}

/** The image with exactly what its windows cover. */
function covered(x: Tensor, windows: readonly Counted[], value: number): Tensor {
  const image = x.ndim === 3 ? x.unsqueeze(2) : x;
  const pads = windows.map((w): [number, number] => {
    const end = (w.count - 1) * w.stride + (w.kernel - 1) * w.dilation + 1;
    return [w.before, end - w.before - w.length];
  });
  return image.pad([[0, 0], [0, 0], ...pads], value);
}

const geometry = (windows: readonly Counted[]) => ({
  kernel: [windows[0].kernel, windows[1].kernel] as const,
  stride: [windows[0].stride, windows[1].stride] as const,
  dilation: [windows[0].dilation, windows[1].dilation] as const,
});

const restored = (y: Tensor, x: Tensor) => x.ndim === 3 ? y.squeeze(2) : y;

const maxPool: Operator = {
  since: 1,
  apply: (call) => {
    if (call.outputs > 1) throw new RangeError("the positions of the maxima are wanted: expected the maxima alone");
    const windows = counted(call);
    const { kernel, stride, dilation } = geometry(windows);
    const x = call.tensor(0);
    return call.result(restored(maxPool2d(covered(x, windows, -Infinity), kernel, { stride, dilation }), x));
  },
};

/** Positions of each window that count: those inside, or also those of the padding that was asked for. */
function divisors({ count, stride, kernel, before, after, length }: Counted, withPad: boolean): number[] {
  const [first, end] = withPad ? [-before, length + after] : [0, length];
  return Array.from({ length: count }, (_, i) => {
    const start = i * stride - before;
    return Math.min(start + kernel, end) - Math.max(start, first);
  });
}

const averagePool: Operator = {
  since: 1,
  apply: (call) => {
    const windows = counted(call);
    const { kernel, stride, dilation } = geometry(windows);
    if (Math.max(...dilation) > 1) throw new RangeError(`dilations are ${show(dilation)}: expected 1`);
    const x = call.tensor(0);
    const mean = avgPool2d(covered(x, windows, 0), kernel, { stride });
    const withPad = call.attributes.int("count_include_pad") === 1;
    const [rows, columns] = windows.map((w) => divisors(w, withPad));
    const full = sizeOf(kernel);
    if ([rows, columns].every((list, i) => list.every((n) => n === kernel[i]))) return call.result(restored(mean, x));
    const factors = rows.flatMap((r) => columns.map((c) => full / (r * c)));
    return call.result(restored(mean.mul(tensor(factors, [rows.length, columns.length])), x));
  },
};

/** (sum |x|^p)^(1/p) of windows. */
const lpPool: Operator = {
  since: 1,
  apply: (call) => {
    const windows = counted(call);
    const { kernel, stride } = geometry(windows);
    const p = call.attributes.int("p") ?? 2;
    const x = call.tensor(0);
    const mean = avgPool2d(covered(x.abs().pow(p), windows, 0), kernel, { stride });
    return call.result(restored(mean.mul(sizeOf(kernel)).pow(1 / p), x));
  },
};

/** Over all spatial axes, which stay with length one. */
function globally(f: (x: Tensor, axes: readonly number[]) => Tensor): Operator {
  return {
    since: 1,
    apply: (call) => call.result(f(call.tensor(0), call.input(0).shape.map((_, i) => i).slice(2))),
  };
}

/** The operators that pool. */
export const pools: OperatorTable = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: lpPool,
  GlobalAveragePool: globally((x, axes) => x.mean(axes, true)),
  GlobalMaxPool: globally((x, axes) => x.max(axes, true)),
};
