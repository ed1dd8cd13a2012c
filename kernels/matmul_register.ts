import { loadElements, PER_WORD } from "./element.ts";
import { addBlocks, enable, factor } from "./half_products.ts";
import { broadcasts, type Kernel, laneCount, range, rolled, spread, surplus } from "./kernel.ts";
import type { MatmulOperand, MatmulSpec, RegisterVariant } from "./matmul_spec.ts";

/** One side of the product: what it costs to move along it and along the sum. */
interface Side {
  readonly operand: MatmulOperand;
  readonly stride: number;
  readonly sumStride: number;
  readonly length: number;
}

/**
 * Matrix product for a software adapter: each invocation sums a tile of registers.
 *
 * The invocations of a workgroup are the lanes of one vector. Each sums `width` positions of one side of the product
 * (the laned one) for `height` positions of the other (the shared one). A load costs such an adapter tens of cycles,
 * since it tests and fetches lane by lane, even where all lanes read the same element. So with subgroup operations the
 * lanes load different elements of the shared side and hand them to each other, and elements that lie in one word are
 * loaded together. Two terms of the sum a turn halve the traffic of the sums between registers and stack; more would
 * outgrow the instruction cache. Positions past an edge read some other element or zero, and are not stored.
 */
export function registerMatmul(spec: MatmulSpec, variant: RegisterVariant): Kernel {
  const { batch, m, n, k, a, b } = spec;
  const { turn } = variant;
  const half = spec.arithmetic === "f16";
  const rows: Side = { operand: a, stride: a.rowStride, sumStride: a.colStride, length: m };
  const columns: Side = { operand: b, stride: b.colStride, sumStride: b.rowStride, length: n };
  const lanes = laneCount(spec);
  const lanesOnRows = variant.lanes === "rows";
  const [shared, laned] = lanesOnRows ? [columns, rows] : [rows, columns];
  // Results that are stored in pairs are summed in pairs, by one lane
  const even = (extent: number, here: boolean) => spec.storePair && here ? extent + extent % 2 : extent;
  const height = even(variant.height, lanesOnRows);
  const width = even(variant.width, !lanesOnRows);
  // Neighbouring positions of one lane: those of one word, or of one pair of results
  const word = PER_WORD[laned.operand.type ?? "f32"];
  const grain = word > 1 && laned.stride === 1 && width % word === 0 ? word : spec.storePair && !lanesOnRows ? 2 : 1;
  const place = (j: number) => Math.floor(j / grain) * lanes * grain + j % grain;
  const tilesY = Math.ceil(shared.length / height);
  const tilesX = Math.ceil(laned.length / (lanes * width));
  const total = tilesX * tilesY * batch;
  const workgroups = spread(total);

  const terms = range(turn);
  const sums = range(height * width);
  const take = broadcasts(height, spec.subgroup, (i) => i * shared.stride);
  // The last turn may reach past the sum's end
  const guard = (name: string) => {
    const t = Number(name.split("_")[1]);
    return k % turn && t ? `k * ${turn}u + ${t}u < ${k}u` : undefined;
  };
  const loads = [
    // Neighbouring terms of one position may share a cache line, so they are read together
    ...loadElements(
      laned.operand,
      "l",
      range(width).flatMap((j) =>
        terms.map((t) => [`y${j}_${t}`, place(j) * laned.stride + t * laned.sumStride] as const)
      ),
      isAligned(laned, grain, turn),
      guard,
    ),
    ...loadElements(
      shared.operand,
      "s",
      take.loads.flatMap((load) => terms.map((t) => [`p${load.id}_${t}`, load.offset + t * shared.sumStride] as const)),
      isAligned(shared, spec.subgroup ? 1 : height, turn),
      guard,
    ),
  ];
  const narrowed = range(half ? width : 0).map((j) => terms.map((t) => `let h${j}_${t} = f16(y${j}_${t});`).join(" "));
  const multiply = range(height).map((i) =>
    terms.map((t) => `let x${i}_${t} = ${factor(take.value(i, (id) => `p${id}_${t}`), spec.arithmetic)};`).join(" ") +
    " " +
    range(width).map((j) => {
      const sum = `c${i * width + j}`;
      if (half) return addBlocks(terms.map((t) => [sum, `x${i}_${t} * h${j}_${t}`]));
      return `${sum} = ${terms.reduce((e, t) => `${e} + x${i}_${t} * y${j}_${t}`, sum)};`;
    }).join(" ")
  );
  const guards = [
    ...(shared.length % height ? [`i0 + i < ${shared.length}u`] : []),
    ...(laned.length % (lanes * width) ? [`position < ${laned.length}u`] : []),
  ];
  const [row, column] = lanesOnRows ? ["position", "i0 + i"] : ["i0 + i", "position"];
  const [stepI, stepJ] = !spec.storePair ? [1, 1] : lanesOnRows ? [2, 1] : [1, 2];
  const finish = spec.storePair
    ? spec.storePair("index", "value", `sums[${lanesOnRows ? `(i + 1u) * ${width}u + j` : `i * ${width}u + j + 1u`}]`)
    : spec.store("index", "value");
  return {
    workgroups,
    code: `${enable(spec.arithmetic)}${spec.declarations}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(${take.lane}) lane: u32) {
  let id = group.x + group.y * ${workgroups[0]}u;
  ${surplus(total, workgroups)}
  let z = id / ${tilesX * tilesY}u;
  let i0 = id / ${tilesX}u % ${tilesY}u * ${height}u;
  let j0 = id % ${tilesX}u * ${lanes * width}u + lane * ${grain}u;
  var s = ${shared.operand.base("z")} + (i0${take.shift}) * ${shared.stride}u;
  var l = ${laned.operand.base("z")} + j0 * ${laned.stride}u;
  ${sums.map((c) => `var c${c} = 0.0;`).join(" ")}
  ${rolled("k", Math.ceil(k / turn))}
    ${loads.join("\n    ")}
    ${[...narrowed, ...multiply].join("\n    ")}
    s += ${turn * shared.sumStride}u;
    l += ${turn * laned.sumStride}u;
  }
  var sums = array<f32, ${sums.length}>(${sums.map((c) => `c${c}`).join(", ")});
  ${rolled("ii", height / stepI)}
    ${rolled("jj", width / stepJ)}
      let i = ii * ${stepI}u;
      let j = jj * ${stepJ}u;
      let position = j0 + ${grain === 1 ? `j * ${lanes}u` : `j / ${grain}u * ${lanes * grain}u + j % ${grain}u`};
      ${guards.length ? `if (${guards.join(" && ")}) {` : "{"}
        let index = (z * ${m}u + ${row}) * ${n}u + ${column};
        let value = sums[i * ${width}u + j];
        ${finish}
      }
    }
  }
}
`,
  };
}

/** Whether each turn starts at the start of a word, where invocations start `step` positions apart. */
function isAligned({ operand, stride, sumStride }: Side, step: number, turn: number): boolean {
  const size = PER_WORD[operand.type ?? "f32"];
  return [operand.alignment ?? 1, step * stride, turn * sumStride].every((n) => n % size === 0);
}
