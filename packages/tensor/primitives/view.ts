/** Views: the same elements at other coordinates. None copies; each only rewrites the coordinates of a read. */
import type { InlinePrimitive } from "../primitive.ts";
import { add, constant, type Index, ravel, scale, unravel } from "../schedule/index_expression.ts";
import type { Shape } from "../shape.ts";
import { scalarType } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";

function view(
  name: string,
  input: Tensor,
  map: (coords: readonly Index[]) => readonly Index[],
  vjp: (g: Tensor) => Tensor,
): InlinePrimitive {
  return {
    kind: "inline",
    name,
    cost: 0,
    view: true,
    vjp: (g) => [vjp(g)],
    emit: (e, _node, coords) => e.value(input, map(coords)),
  };
}

/** Same elements in row-major order under another shape. */
export function reshape(input: Tensor, shape: Shape): InlinePrimitive {
  return view(
    "reshape",
    input,
    (coords) => unravel(ravel(coords, shape), input.shape),
    (g) => g.reshape([...input.shape]),
  );
}

/** Output axis k is input axis axes[k]. */
export function permute(
  input: Tensor,
  axes: readonly number[],
): InlinePrimitive {
  const inverse = axes.map((_, i) => axes.indexOf(i));
  return view(
    "permute",
    input,
    (coords) => inverse.map((k) => coords[k]),
    (g) => g.permute(inverse),
  );
}

/** Repeats axes of length one up to `shape` (equal number of axes). */
export function expand(input: Tensor, shape: Shape): InlinePrimitive {
  const repeated = shape.flatMap((n, i) => n !== input.shape[i] ? [i] : []);
  return view(
    "expand",
    input,
    (coords) => coords.map((c, i) => input.shape[i] === 1 ? constant(0) : c),
    (g) => g.sum(repeated, true),
  );
}

/** Every step-th element from start, count of them, on each axis. */
export function slice(
  input: Tensor,
  ranges: readonly { start: number; step: number; count: number }[],
): InlinePrimitive {
  return view(
    "slice",
    input,
    (coords) => coords.map((c, i) => add(scale(c, ranges[i].step), constant(ranges[i].start))),
    (g) => {
      // Spread by the step (append zeros to each element, then cut), then pad back into place
      const spread = ranges.reduce((g, { step, count }, axis) => {
        if (step === 1) return g;
        const split = [
          ...g.shape.slice(0, axis),
          count,
          1,
          ...g.shape.slice(axis + 1),
        ];
        const padded = g.reshape(split).pad(
          split.map((_, i) => i === axis + 1 ? [0, step - 1] : [0, 0]),
        );
        return padded.reshape([
          ...g.shape.slice(0, axis),
          count * step,
          ...g.shape.slice(axis + 1),
        ]);
      }, g);
      return spread.pad(
        ranges.map((
          { start },
          i,
        ) => [start, input.shape[i] - start - spread.shape[i]]),
      );
    },
  );
}

/** Reverses axes. */
export function flip(input: Tensor, axes: readonly number[]): InlinePrimitive {
  return view(
    "flip",
    input,
    (coords) => coords.map((c, i) => axes.includes(i) ? add(constant(input.shape[i] - 1), scale(c, -1)) : c),
    (g) => g.flip(axes),
  );
}

/** Surrounds with `value`; amounts are not negative. */
export function pad(
  input: Tensor,
  pads: readonly (readonly [number, number])[],
  value: number,
): InlinePrimitive {
  return {
    kind: "inline",
    name: "pad",
    cost: 1,
    vjp: (
      g,
    ) => [
      g.slice(pads.map(([before], i) => [before, before + input.shape[i]])),
    ],
    emit(e, node, coords) {
      const fill = e.literal(value, scalarType(node.dtype));
      // An address that is known to lie outside would be refused
      if (coords.some((c, i) => c.max < pads[i][0] || c.min >= pads[i][0] + input.shape[i])) return fill;
      const inside = pads.flatMap(([before, after], i) => {
        const c = e.index(coords[i]);
        const low = before > 0 ? [c.apply("ge", before)] : [];
        return after > 0 ? [...low, c.lt(before + input.shape[i])] : low;
      });
      const x = e.value(input, coords.map((c, i) => add(c, constant(-pads[i][0]))));
      return inside.length === 0 ? x : inside.reduce((all, one) => all.and(one)).select(x, fill);
    },
  };
}
