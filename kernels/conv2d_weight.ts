import type { ConvSpec } from "./conv2d.ts";
import { type Kernel, LANES, range, spread, surplus, tile } from "./kernel.ts";

/** Weights of one output channel that an invocation sums at most, where rows of the weight are not longer. */
const SPAN = 8;

/**
 * Gradient of a convolution with respect to its weight: for each weight, the sum over all images and output positions
 * of the output's gradient times the input element that the weight met there.
 *
 * An invocation sums whole rows of the weight, for several (input channel, row) pairs and output channels. It walks
 * over runs of neighbouring output positions, whose gradients are at addresses equal for all invocations.
 */
export function weightGradient(spec: ConvSpec): Kernel {
  const { geometry: g, operands } = spec;
  const [batch, , inHeight, inWidth] = g.input;
  const [, , outHeight, outWidth] = g.output;
  const [, inputs, kernelHeight, kernelWidth] = g.weight;
  const outputs = g.weight[0] / g.groups;
  // A pair is an input channel and a row of the weight
  const pairs = inputs * kernelHeight;
  const width = tile(Math.ceil(pairs / LANES), Math.max(1, Math.floor(SPAN / kernelWidth)));
  const height = tile(outputs, Math.max(1, Math.min(16, Math.floor(128 / (width * kernelWidth)))));
  const run = [4, 2].find((r) => outWidth % r === 0 && r * kernelWidth <= 12) ?? 1;
  const tiles = Math.ceil(pairs / (LANES * width));
  const bands = Math.ceil(outputs / height);
  const total = tiles * bands * g.groups;
  const workgroups = spread(total);
  const [strideY, strideX] = g.stride;
  const [top, left] = g.padding;
  const [dilationY, dilationX] = g.dilation;

  const offsets = [
    ...new Set(range(run).flatMap((r) => range(kernelWidth).map((t) => r * strideX + t * dilationX - left))),
  ];
  const last = (outWidth - run) * strideX;
  const sums = range(height * width * kernelWidth);
  const load = (j: number) => {
    const elements = offsets.map((o, i) => {
      const guards = ["inRow"];
      if (o < 0) guards.push(`q0 + ${o} >= 0`);
      if (last + o >= inWidth) guards.push(`q0 + ${o} < ${inWidth}`);
      // A read outside the array gives some element or zero, and is discarded
      return `let x${j}_${i} = select(0.0, ${operands.first}[u32(at + ${o})], ${guards.join(" && ")});`;
    });
    return elements.join(" ").replaceAll("inRow", `inRow${j}`).replaceAll("at +", `at${j} + q0 +`);
  };
  const multiply = range(height).map((i) =>
    range(run).map((r) =>
      `let g${i}_${r} = ${operands.second}[gradient + ${i * outHeight * outWidth + r}u]; ` +
      range(width).flatMap((j) =>
        range(kernelWidth).map((t) => {
          const at = offsets.indexOf(r * strideX + t * dilationX - left);
          return `c${(i * width + j) * kernelWidth + t} += g${i}_${r} * x${j}_${at};`;
        })
      ).join(" ")
    ).join(" ")
  );
  return {
    workgroups,
    code: `${spec.declarations}
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let id = group.x + group.y * ${workgroups[0]}u;
  ${surplus(total, workgroups)}
  let pair0 = (id % ${tiles}u * ${LANES}u + lane) * ${width}u;
  let channel0 = id / ${tiles}u % ${bands}u * ${height}u;
  let slice = id / ${tiles * bands}u;
  ${
      range(width).map((j) =>
        `let plane${j} = i32((slice * ${inputs}u + (pair0 + ${j}u) / ${kernelHeight}u) * ${inHeight}u);
  let rise${j} = i32((pair0 + ${j}u) % ${kernelHeight}u) * ${dilationY} - ${top};`
      ).join("\n  ")
    }
  ${sums.map((c) => `var c${c} = 0.0;`).join(" ")}
  for (var line = 0u; line < ${batch * outHeight}u; line++) {
    let image = line / ${outHeight}u;
    let top = i32(line % ${outHeight}u) * ${strideY};
    let gradient0 = ((image * ${
      g.groups * outputs
    }u + slice * ${outputs}u + channel0) * ${outHeight}u + line % ${outHeight}u) * ${outWidth}u;
    ${
      range(width).map((j) =>
        `let y${j} = top + rise${j}; let inRow${j} = y${j} >= 0 && y${j} < ${inHeight};
    let at${j} = (i32(image) * ${g.groups * inputs * inHeight} + plane${j} + y${j}) * ${inWidth};`
      ).join("\n    ")
    }
    for (var step = 0u; step < ${outWidth / run}u; step++) {
      let q0 = i32(step) * ${run * strideX};
      let gradient = gradient0 + step * ${run}u;
      ${range(width).map(load).join("\n      ")}
      ${multiply.join("\n      ")}
    }
  }
  var sums = array<f32, ${sums.length}>(${sums.map((c) => `c${c}`).join(", ")});
  for (var i = 0u; i < ${outputs % height ? `min(${height}u, ${outputs}u - channel0)` : `${height}u`}; i++) {
    for (var j = 0u; j < ${width * kernelWidth}u; j++) {
      let offset = pair0 * ${kernelWidth}u + j;
      if (offset < ${pairs * kernelWidth}u) {
        let index = (slice * ${outputs}u + channel0 + i) * ${pairs * kernelWidth}u + offset;
        let value = sums[i * ${width * kernelWidth}u + j];
        ${spec.store("index", "value")}
      }
    }
  }
}
`,
  };
}
