import type { ConvSpec, WindowVariant } from "./conv2d_spec.ts";
import { element, loadElements } from "./element.ts";
import { addBlocks, enable, factor } from "./half_products.ts";
import { broadcasts, type Kernel, laneCount, range, rolled, spread, surplus, tile } from "./kernel.ts";

/** Weight positions that one residue of result positions meets, along one axis. */
interface Phase {
  /** First weight position. */
  readonly first: number;
  /** Weight positions from one tap to the next. */
  readonly step: number;
  /** Number of taps. */
  readonly count: number;
  /** Source position of the first tap for step 0 of the window. */
  readonly offset: number;
  /** Source positions from one tap to the next. */
  readonly offsetStep: number;
}

/** How results and sources correspond along one axis: result `q * phases + p` reads source `q * stride + offset`. */
interface Axis {
  readonly results: number;
  readonly sources: number;
  readonly kernel: number;
  readonly stride: number;
  readonly phases: Phase[];
}

/** Most sums that an invocation keeps, and most multiplications in one turn of the innermost loop. */
const SUMS = 128;
const PRODUCTS = 448;
/** Most source elements, and most weights, that an invocation loads in one turn. */
const SOURCES = 24;
const WEIGHTS = { subgroup: 16, alone: 48 };

/**
 * Forward convolution, or its gradient with respect to the input, which is the same sum with the roles of input and
 * output exchanged: only weight positions of the right residue modulo the stride contribute to a position.
 *
 * An invocation sums a run of neighbouring positions in a row for several channels: source elements are used for every
 * weight of the row that they meet, and weights, which are the same for all invocations of a workgroup, for all positions.
 */
export function slidingWindow(spec: ConvSpec, variant: WindowVariant): Kernel {
  const { geometry: g, operands } = spec;
  const forward = spec.pass === "forward";
  const [vertical, horizontal] = [0, 1].map((a) => axis(spec, a));
  const [batch] = g.input;
  const inputs = g.weight[1];
  const outputs = g.weight[0] / g.groups;
  const area = g.weight[2] * g.weight[3];
  const [channels, summed] = forward ? [outputs, inputs] : [inputs, outputs];
  const [channelStride, sumStride] = forward ? [inputs * area, area] : [area, inputs * area];

  const lanes = laneCount(spec);
  const { run, offsets } = runLength(horizontal, variant.run, spec.storePair ? 2 : 1);
  const width = run * horizontal.phases.length;
  const height = tile(channels, mostChannels(spec, horizontal, run, variant.channels));
  const rows = Math.ceil(vertical.results / vertical.phases.length);
  const runs = Math.ceil(horizontal.results / width);
  const places = batch * rows * runs;
  const tiles = Math.ceil(places / lanes);
  const bands = Math.ceil(channels / height);
  const total = tiles * vertical.phases.length * bands * g.groups;
  const workgroups = spread(total);

  const inside = offsets.map((o) => {
    const start = (runs - 1) * run * horizontal.stride;
    const before = o < 0 ? [`q0 + ${-o}`] : [];
    return { before, reach: start + o >= horizontal.sources, o };
  });
  const loads = inside.map(({ before, reach, o }, i) => {
    const guards = ["inRow"];
    const x = `(q0 + ${o})`;
    if (before.length) guards.push(`${x} >= 0`);
    if (reach) guards.push(`${x} < ${horizontal.sources}`);
    // A read outside the array gives some element or zero, and is discarded
    const value = `select(0.0, ${element(operands.first, `u32(row + ${o})`)}, ${guards.join(" && ")})`;
    return `let x${i} = ${factor(value, spec.arithmetic)};`;
  });
  const sums = range(height * width);
  const take = broadcasts(height, spec.subgroup, (i) => i * channelStride);
  const weights = take.loads.flatMap(({ id, offset }) =>
    loadElements(
      operands.second,
      "weight",
      range(horizontal.kernel).map((t) => [`p${id}_${t}`, offset + t] as const),
      false,
    )
  );
  const multiply = range(height).map((i) => {
    const taps = range(horizontal.kernel).map((t) => {
      const products = horizontal.phases.flatMap((phase, p) => {
        const tap = (t - phase.first) / phase.step;
        if (!Number.isInteger(tap) || tap < 0 || tap >= phase.count) return [];
        return range(run).map((q) => {
          const at = offsets.indexOf(q * horizontal.stride + phase.offset + tap * phase.offsetStep);
          return [`c${i * width + q * horizontal.phases.length + p}`, `w${i}_${t} * x${at}`] as const;
        });
      });
      const weight = factor(take.value(i, (id) => `p${id}_${t}`), spec.arithmetic);
      return { products, load: products.length ? `let w${i}_${t} = ${weight};` : "" };
    });
    if (spec.arithmetic === "f16") {
      return [...taps.map((tap) => tap.load), addBlocks(taps.flatMap((tap) => tap.products))].join(" ");
    }
    return taps.map(({ load, products }) => [load, ...products.map(([c, p]) => `${c} += ${p};`)].join(" ")).join(" ");
  });
  const pick = (key: "first" | "count" | "offset") => {
    const values = vertical.phases.map((phase) => phase[key]);
    return values.slice(1).reduce((rest, v, i) => `select(${rest}, ${v}, phase == ${i + 1}u)`, `${values[0]}`);
  };
  const { step: tapStep, offsetStep } = vertical.phases[0];
  const step = spec.storePair ? 2 : 1;
  const finish = spec.storePair?.("index", "value", `sums[i * ${width}u + j + 1u]`) ?? spec.store("index", "value");
  return {
    workgroups,
    code: `${enable(spec.arithmetic)}${spec.declarations}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(${take.lane}) lane: u32) {
  let id = group.x + group.y * ${workgroups[0]}u;
  ${surplus(total, workgroups)}
  let place = id % ${tiles}u * ${lanes}u + lane;
  let phase = id / ${tiles}u % ${vertical.phases.length}u;
  let channel0 = id / ${tiles * vertical.phases.length}u % ${bands}u * ${height}u;
  let slice = id / ${tiles * vertical.phases.length * bands}u;
  let image = place / ${rows * runs}u;
  let qy = place / ${runs}u % ${rows}u;
  let run = place % ${runs}u;
  let q0 = i32(run * ${run * horizontal.stride}u);
  let weight0 = slice * ${outputs * inputs * area}u + (channel0${take.shift}) * ${channelStride}u;
  let plane0 = image * ${g.groups * summed}u + slice * ${summed}u;
  let firstTap = ${pick("first")};
  let taps = ${pick("count")};
  let y0 = i32(qy) * ${vertical.stride} + ${pick("offset")};
  ${sums.map((c) => `var c${c} = 0.0;`).join(" ")}
  // One loop over channels and taps: a nested one would pass all sums on twice
  var k = 0u;
  var tap = 0;
  for (var turn = 0; turn < taps * ${summed} + i32(group.z); turn++) {
    let y = y0 + tap * ${offsetStep};
    let inRow = y >= 0 && y < ${vertical.sources};
    let row = (i32(plane0 + k) * ${vertical.sources} + y) * ${horizontal.sources} + q0;
    let weight = weight0 + k * ${sumStride}u + u32(firstTap + tap * ${tapStep}) * ${horizontal.kernel}u;
    ${loads.join("\n    ")}
    ${weights.join("\n    ")}
    ${multiply.join("\n    ")}
    let last = tap + 1 == taps;
    k += select(0u, 1u, last);
    tap = select(tap + 1, 0, last);
  }
  if (place >= ${places}u) { return; }
  let resultY = qy * ${vertical.phases.length}u + phase;
  ${vertical.results % vertical.phases.length ? `if (resultY >= ${vertical.results}u) { return; }` : ""}
  let plane = (image * ${g.groups * channels}u + slice * ${channels}u + channel0) * ${vertical.results}u + resultY;
  var sums = array<f32, ${sums.length}>(${sums.map((c) => `c${c}`).join(", ")});
  ${rolled("i", height)}
    ${rolled("jj", width / step)}
      let j = jj * ${step}u;
      let x = run * ${width}u + j;
      if (x < ${horizontal.results}u${channels % height ? ` && channel0 + i < ${channels}u` : ""}) {
        let index = (plane + i * ${vertical.results}u) * ${horizontal.results}u + x;
        let value = sums[i * ${width}u + j];
        ${finish}
      }
    }
  }
}
`,
  };
}

/** The correspondence of results and sources along axis 0 (rows) or 1 (columns). */
function axis({ pass, geometry: g }: ConvSpec, a: 0 | 1 | number): Axis {
  const [input, output, kernel] = [g.input[2 + a], g.output[2 + a], g.weight[2 + a]];
  const [stride, padding, dilation] = [g.stride[a], g.padding[a], g.dilation[a]];
  if (pass === "forward") {
    return {
      results: output,
      sources: input,
      kernel,
      stride,
      phases: [{ first: 0, step: 1, count: kernel, offset: -padding, offsetStep: dilation }],
    };
  }
  const common = gcd(stride, dilation);
  const step = stride / common;
  const phases = range(stride).map((p) => {
    const first = range(step).find((t) => (p + padding - t * dilation) % stride === 0);
    return first === undefined || first >= kernel ? { first: 0, step, count: 0, offset: 0, offsetStep: 0 } : {
      first,
      step,
      count: Math.ceil((kernel - first) / step),
      offset: (p + padding - first * dilation) / stride,
      offsetStep: -dilation / common,
    };
  });
  // The step between taps is the same in all phases; phases without taps take it over
  const offsetStep = -dilation / common;
  return {
    results: input,
    sources: output,
    kernel,
    stride: 1,
    phases: phases.map((phase) => ({ ...phase, offsetStep })),
  };
}

/**
 * Neighbouring window positions, `most` at most, for one invocation, and the source offsets that they need, in order.
 * The results, one for each phase of each position, are a multiple of `grain`.
 */
function runLength(axis: Axis, most: number, grain: number): { run: number; offsets: number[] } {
  const steps = Math.ceil(axis.results / axis.phases.length);
  const unit = axis.phases.length % grain === 0 ? 1 : grain;
  const start = tile(steps, Math.max(1, Math.floor(most / axis.phases.length)));
  for (let run = Math.ceil(start / unit) * unit;; run -= unit) {
    const offsets = new Set<number>();
    for (const phase of axis.phases) {
      for (const q of range(run)) {
        for (const t of range(phase.count)) offsets.add(q * axis.stride + phase.offset + t * phase.offsetStep);
      }
    }
    if (run === unit || offsets.size <= SOURCES) {
      return { run, offsets: [...offsets].sort((a, b) => a - b) };
    }
  }
}

/** Most channels for one invocation, so that sums, loads and code stay within what pays. */
function mostChannels({ subgroup }: ConvSpec, axis: Axis, run: number, most: number): number {
  const products = run * axis.phases.reduce((sum, phase) => sum + phase.count, 0);
  return Math.max(
    1,
    Math.floor(Math.min(
      most,
      SUMS / (run * axis.phases.length),
      PRODUCTS / Math.max(1, products),
      subgroup ? subgroup * Math.max(1, Math.floor(WEIGHTS.subgroup / axis.kernel)) : WEIGHTS.alone / axis.kernel,
    )),
  );
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
