import type { ConvSpec, WindowVariant } from "./conv2d_spec.ts";
import { element } from "./element.ts";
import { addBlocks, enable, factor } from "./half_products.ts";
import { broadcasts, type Kernel, laneCount, range, rolled, spread, surplus, tile } from "./kernel.ts";

/** Most sums that an invocation keeps, and most multiplications in one turn of the innermost loop. */
const SUMS = 128;
const PRODUCTS = 448;

/**
 * Gradient of a convolution with respect to its weight: for each weight, the sum over all images and output positions
 * of the output's gradient times the input element that the weight met there.
 *
 * An invocation sums whole rows of the weight, for several (input channel, row) pairs and output channels. It walks
 * over runs of neighbouring output positions, whose gradients are the same for all invocations of a workgroup.
 */
export function weightGradient(spec: ConvSpec, variant: WindowVariant): Kernel {
  const { geometry: g, operands } = spec;
  const [batch, , inHeight, inWidth] = g.input;
  const [, , outHeight, outWidth] = g.output;
  const [, inputs, kernelHeight, kernelWidth] = g.weight;
  const outputs = g.weight[0] / g.groups;
  // A pair is an input channel and a row of the weight
  const pairs = inputs * kernelHeight;
  const lanes = laneCount(spec);
  // Weights of one output channel, and output channels, that an invocation sums
  const paired = tile(Math.ceil(pairs / lanes), Math.max(1, Math.floor(variant.run / kernelWidth)));
  // Results that are stored in pairs are summed in pairs
  const width = spec.storePair && paired * kernelWidth % 2 ? paired + 1 : paired;
  const height = tile(outputs, Math.max(1, Math.min(variant.channels, Math.floor(SUMS / (width * kernelWidth)))));
  const run =
    (spec.subgroup ? [4, 2] : [2]).find((r) =>
      variant.run > 2 && outWidth % r === 0 && r * height * width * kernelWidth <= PRODUCTS
    ) ?? 1;
  const tiles = Math.ceil(pairs / (lanes * width));
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
      const value = `select(0.0, ${element(operands.first, `u32(at + ${o})`)}, ${guards.join(" && ")})`;
      return `let x${j}_${i} = ${factor(value, spec.arithmetic)};`;
    });
    return elements.join(" ").replaceAll("inRow", `inRow${j}`).replaceAll("at +", `at${j} + q0 +`);
  };
  const take = broadcasts(height, spec.subgroup, (i) => i * outHeight * outWidth);
  const gradients = take.loads.flatMap(({ id, offset }) =>
    range(run).map((r) => `let p${id}_${r} = ${element(operands.second, `gradient + ${offset + r}u`)};`)
  );
  const multiply = range(height).map((i) => {
    const turns = range(run).map((r) => ({
      load: `let g${i}_${r} = ${factor(take.value(i, (id) => `p${id}_${r}`), spec.arithmetic)};`,
      products: range(width).flatMap((j) =>
        range(kernelWidth).map((t) => {
          const at = offsets.indexOf(r * strideX + t * dilationX - left);
          return [`c${(i * width + j) * kernelWidth + t}`, `g${i}_${r} * x${j}_${at}`] as const;
        })
      ),
    }));
    if (spec.arithmetic === "f16") {
      return [...turns.map((turn) => turn.load), addBlocks(turns.flatMap((turn) => turn.products))].join(" ");
    }
    return turns.map(({ load, products }) => [load, ...products.map(([c, p]) => `${c} += ${p};`)].join(" ")).join(" ");
  });
  const step = spec.storePair ? 2 : 1;
  const finish = spec.storePair?.("index", "value", `sums[i * ${width * kernelWidth}u + j + 1u]`) ??
    spec.store("index", "value");
  return {
    workgroups,
    code: `${enable(spec.arithmetic)}${spec.declarations}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(${take.lane}) lane: u32) {
  let id = group.x + group.y * ${workgroups[0]}u;
  ${surplus(total, workgroups)}
  let pair0 = (id % ${tiles}u * ${lanes}u + lane) * ${width}u;
  let channel0 = id / ${tiles}u % ${bands}u * ${height}u;
  let slice = id / ${tiles * bands}u;
  ${
      range(width).map((j) =>
        `let plane${j} = i32((slice * ${inputs}u + (pair0 + ${j}u) / ${kernelHeight}u) * ${inHeight}u);
  let rise${j} = i32((pair0 + ${j}u) % ${kernelHeight}u) * ${dilationY} - ${top};`
      ).join("\n  ")
    }
  ${sums.map((c) => `var c${c} = 0.0;`).join(" ")}
  ${rolled("line", batch * outHeight)}
    let image = line / ${outHeight}u;
    let top = i32(line % ${outHeight}u) * ${strideY};
    let gradient0 = ((image * ${
      g.groups * outputs
    }u + slice * ${outputs}u + channel0${take.shift}) * ${outHeight}u + line % ${outHeight}u) * ${outWidth}u;
    ${
      range(width).map((j) =>
        `let y${j} = top + rise${j}; let inRow${j} = y${j} >= 0 && y${j} < ${inHeight};
    let at${j} = (i32(image) * ${g.groups * inputs * inHeight} + plane${j} + y${j}) * ${inWidth};`
      ).join("\n    ")
    }
    ${rolled("step", outWidth / run)}
      let q0 = i32(step) * ${run * strideX};
      let gradient = gradient0 + step * ${run}u;
      ${range(width).map(load).join("\n      ")}
      ${gradients.join("\n      ")}
      ${multiply.join("\n      ")}
    }
  }
  var sums = array<f32, ${sums.length}>(${sums.map((c) => `c${c}`).join(", ")});
  ${rolled("i", height)}
    ${rolled("jj", width * kernelWidth / step)}
      let j = jj * ${step}u;
      let offset = pair0 * ${kernelWidth}u + j;
      if (offset < ${pairs * kernelWidth}u${outputs % height ? ` && channel0 + i < ${outputs}u` : ""}) {
        let index = (slice * ${outputs}u + channel0 + i) * ${pairs * kernelWidth}u + offset;
        let value = sums[i * ${width * kernelWidth}u + j];
        ${finish}
      }
    }
  }
}
`,
  };
}
