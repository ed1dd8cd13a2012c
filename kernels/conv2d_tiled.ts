import type { ConvSpec } from "./conv2d_spec.ts";
import { productSizes } from "./conv2d_variant.ts";
import { element, PER_WORD, quad } from "./element.ts";
import type { Kernel } from "./kernel.ts";
import { type Factor, tiledProduct } from "./matmul_tiled.ts";
import type { TiledVariant } from "./matmul_spec.ts";

/**
 * A convolution or a gradient of it for a graphics processor, as a product of matrices whose elements are found in the
 * images when a block of them is fetched (implicit GEMM). With I and O the channels of a group and P the positions:
 *
 * | pass | first factor | second factor |
 * | --- | --- | --- |
 * | forward | weight [O, I kH kW] | patches [I kH kW, P] |
 * | input gradient | weight, turned [I, O kH kW] | patches of the gradient [O kH kW, P] |
 * | weight gradient | gradient [O, P] | patches, turned [P, I kH kW] |
 */
export function tiledConv(spec: ConvSpec, variant: TiledVariant): Kernel {
  const { pass, geometry: g, operands, arithmetic } = spec;
  const { batch, m, n, k } = productSizes(spec);
  const inputs = g.weight[1];
  const outputs = g.weight[0] / g.groups;
  const [, , kernelHeight, kernelWidth] = g.weight;
  const area = kernelHeight * kernelWidth;
  const images = g.groups * (pass === "inputGrad" ? outputs : inputs);
  const results = pass === "inputGrad" ? g.input : g.output;
  const places = results[2] * results[3];
  const weightBase = `let weights = z * ${outputs * inputs * area}u;`;
  const helper = patchFunction(spec, images);
  const declarations = `${spec.declarations}\n${helper}`;
  const patch = (place: string, tap: string) =>
    `met(z * ${pass === "inputGrad" ? outputs : inputs}u, ${place}, ${tap})`;
  // Four neighbours lie in one word, or in two, where lines of `length` begin at multiples of four
  const second = (length: number, at: Factor["at"]): Pick<Factor, "at" | "quad"> => ({
    at: (p, t) => element(operands.second, at(p, t)),
    ...(length % 4 === 0 && PER_WORD[operands.second.type ?? "f32"] > 1 && {
      quad: (p: string, t: string) => quad(operands.second, at(p, t)),
    }),
  });
  const weight: Factor = pass === "inputGrad"
    ? {
      length: inputs,
      prologue: weightBase,
      along: "terms",
      at: (p, t) =>
        element(
          operands.second,
          `weights + (${t} / ${area}u * ${inputs}u + ${p}) * ${area}u + ${t} % ${area}u`,
        ),
    }
    : {
      length: outputs,
      prologue: weightBase,
      along: "terms",
      ...second(inputs * area, (p, t) => `weights + ${p} * ${inputs * area}u + ${t}`),
    };
  const index = (column: string) =>
    `let index = (${column} / ${places}u * ${g.groups * m}u + z * ${m}u + row) * ${places}u + ${column} % ${places}u;`;
  if (pass !== "weightGrad") {
    const patches: Factor = { length: n, prologue: "", along: "positions", at: (p, t) => patch(p, t) };
    return tiledProduct({
      batch,
      k,
      arithmetic,
      declarations,
      factors: [weight, patches],
      store: `${index("column")} ${spec.store("index", "value")}`,
      storePair: spec.storePair && `${index("column")} ${spec.storePair("index", "value", "next")}`,
    }, variant);
  }
  const gradient: Factor = {
    length: outputs,
    prologue: "",
    along: "terms",
    ...second(
      places,
      (p, t) =>
        `(${t} / ${places}u * ${g.groups * outputs}u + z * ${outputs}u + ${p}) * ${places}u + ${t} % ${places}u`,
    ),
  };
  const patches: Factor = { length: n, prologue: "", along: "terms", at: (p, t) => patch(t, p) };
  const row = `let index = (z * ${m}u + row) * ${n}u + column;`;
  return tiledProduct({
    batch,
    k,
    arithmetic,
    declarations,
    factors: [gradient, patches],
    store: `${row} ${spec.store("index", "value")}`,
    storePair: spec.storePair && `${row} ${spec.storePair("index", "value", "next")}`,
  }, variant);
}

/** The function that gives the element that a position of the result meets through a channel and weight position. */
function patchFunction({ pass, geometry: g, operands }: ConvSpec, channels: number): string {
  const [, , kernelHeight, kernelWidth] = g.weight;
  const area = kernelHeight * kernelWidth;
  const [results, sources] = pass === "inputGrad" ? [g.output, g.output] : [g.output, g.input];
  const [height, width] = pass === "inputGrad" ? g.input.slice(2) : results.slice(2);
  const places = height * width;
  const source = (axis: 0 | 1, place: string, tap: string) =>
    pass === "inputGrad"
      // A tap meets a position only where the stride divides their distance
      ? `i32(${place}) + ${g.padding[axis]} - i32(${tap}) * ${g.dilation[axis]}`
      : `i32(${place}) * ${g.stride[axis]} - ${g.padding[axis]} + i32(${tap}) * ${g.dilation[axis]}`;
  const [strideY, strideX] = pass === "inputGrad" ? g.stride : [1, 1];
  const divides = [
    ...(strideY > 1 ? [`ty % ${strideY} == 0`] : []),
    ...(strideX > 1 ? [`tx % ${strideX} == 0`] : []),
  ];
  const inside = [`y >= 0`, `y < ${sources[2]}`, `x >= 0`, `x < ${sources[3]}`, ...divides].join(" && ");
  return `fn met(channel0: u32, place: u32, tap: u32) -> f32 {
  let channel = channel0 + tap / ${area}u;
  let ty = ${source(0, `(place / ${width}u % ${height}u)`, `(tap / ${kernelWidth}u % ${kernelHeight}u)`)};
  let tx = ${source(1, `(place % ${width}u)`, `(tap % ${kernelWidth}u)`)};
  let y = ${strideY > 1 ? `ty / ${strideY}` : "ty"};
  let x = ${strideX > 1 ? `tx / ${strideX}` : "tx"};
  let at = (i32(place / ${places}u * ${channels}u + channel) * ${sources[2]} + y) * ${sources[3]} + x;
  return select(0.0, ${element(operands.first, "u32(at)")}, ty >= 0 && tx >= 0 && ${inside});
}`;
}
