/** Padding, and blocks of pixels as channels. */
import { padWith, tensor } from "@dipp/tensor";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { normalizeAxis } from "../shape.ts";

/** [before, after] for each axis (attribute before opset 11; an axes input since 18). */
function padding(call: Call): [number, number][] {
  const { ndim } = call.input(0);
  const pads = call.ints(1, "pads") ?? [];
  const axes = call.ints(3, "axes")?.map((a) => normalizeAxis(a, ndim)) ?? Array.from({ length: ndim }, (_, i) => i);
  if (pads.length !== 2 * axes.length) {
    throw new RangeError(`pads has ${pads.length} numbers: expected ${2 * axes.length}, two for each axis`);
  }
  const result = Array.from({ length: ndim }, (): [number, number] => [0, 0]);
  axes.forEach((axis, i) => result[axis] = [pads[i], pads[i + axes.length]]);
  return result;
}

const pad: Operator = {
  since: 1,
  apply: (call) => {
    const pads = padding(call);
    const x = call.tensor(0);
    const mode = call.attributes.choice("mode", ["constant", "reflect", "edge", "wrap"], "constant");
    if (mode !== "constant") {
      return call.result(
        padWith(x, pads, ({ reflect: "reflect", edge: "replicate", wrap: "circular" } as const)[mode]),
      );
    }
    const value = call.known(2, "constant_value")?.[0] ?? call.attributes.float("value") ?? 0;
    return call.result(x.pad(pads, value));
  },
};

/** Channels to blocks of pixels, blocks slowest (DCR) or channels slowest (CRD). */
const depthToSpace: Operator = {
  since: 1,
  apply: (call) => {
    const b = call.attributes.int("blocksize") ?? 1;
    const [n, c, h, w] = call.input(0).shape;
    const depth = c / (b * b);
    const x = call.tensor(0);
    const split = call.attributes.choice("mode", ["DCR", "CRD"], "DCR") === "DCR"
      ? x.reshape([n, b, b, depth, h, w]).permute([0, 3, 4, 1, 5, 2])
      : x.reshape([n, depth, b, b, h, w]).permute([0, 1, 4, 2, 5, 3]);
    return call.result(split.reshape([n, depth, h * b, w * b]));
  },
};

const spaceToDepth: Operator = {
  since: 1,
  apply: (call) => {
    const b = call.attributes.int("blocksize") ?? 1;
    const [n, c, h, w] = call.input(0).shape;
    const x = call.tensor(0).reshape([n, c, h / b, b, w / b, b]).permute([0, 3, 5, 1, 2, 4]);
    return call.result(x.reshape([n, c * b * b, h / b, w / b]));
  },
};

/** The first elements of an axis reversed, as many as a known vector says for each batch (ReverseSequence). */
const reverseSequence: Operator = {
  since: 10,
  apply: (call) => {
    const x = call.input(0);
    const [batch, time] = [call.attributes.int("batch_axis") ?? 1, call.attributes.int("time_axis") ?? 0];
    const lengths = Array.from(call.known(1, "sequence_lens") ?? []);
    const n = x.shape[time];
    const at = lengths.flatMap((length) => Array.from({ length: n }, (_, t) => t < length ? length - 1 - t : t));
    const index = tensor(Int32Array.from(at), [lengths.length, n]);
    const placed = (batch < time ? index : index.transpose(0, 1)).reshape(
      x.shape.map((m, i) => i === batch || i === time ? m : 1),
    );
    return call.result(x.tensor.gather(time, placed.expand(x.shape)));
  },
};

/** The operators that move elements. */
export const rearrangements: OperatorTable = {
  Pad: pad,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  ReverseSequence: reverseSequence,
};
