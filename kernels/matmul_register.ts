import { broadcasts, type Kernel, laneCount, range, rolled, spread, surplus, tile } from "./kernel.ts";
import type { MatmulSpec } from "./matmul.ts";

/** One side of the product: what it costs to move along it and along the sum. */
interface Side {
  readonly name: string;
  readonly base: (z: string) => string;
  readonly stride: number;
  readonly sumStride: number;
  readonly length: number;
}

/** Multiplications up to which a product counts as small. */
const SMALL = 1 << 18;

/**
 * Matrix product for a software adapter: each invocation sums a tile of registers.
 *
 * The invocations of a workgroup are the lanes of one vector. Each sums `width` positions of one side of the product
 * (the laned one) for `height` positions of the other (the shared one). A load costs such an adapter tens of cycles,
 * since it tests and fetches lane by lane, even where all lanes read the same element. So with subgroup operations the
 * lanes load different elements of the shared side and hand them to each other. Two terms of the sum a turn halve the
 * traffic of the sums between registers and stack; more would outgrow the instruction cache. Positions past an edge
 * read some other element or zero, and are not stored.
 */
export function registerMatmul(spec: MatmulSpec): Kernel {
  const { batch, m, n, k, a, b } = spec;
  const rows: Side = {
    name: a.name,
    base: (z) => a.base(z),
    stride: a.rowStride,
    sumStride: a.colStride,
    length: m,
  };
  const columns: Side = {
    name: b.name,
    base: (z) => b.base(z),
    stride: b.colStride,
    sumStride: b.rowStride,
    length: n,
  };
  const lanes = laneCount(spec);
  const waste = (length: number) => Math.ceil(length / lanes) * lanes / length;
  const lanesOnRows = waste(m) < waste(n);
  const [shared, laned] = lanesOnRows ? [columns, rows] : [rows, columns];
  const { height, width } = extent(spec, lanes, shared.length, laned.length);
  const turn = spec.subgroup && k % 2 === 0 && batch * m * n * k >= SMALL ? 2 : 1;
  const tilesY = Math.ceil(shared.length / height);
  const tilesX = Math.ceil(laned.length / (lanes * width));
  const total = tilesX * tilesY * batch;
  const workgroups = spread(total);

  const terms = range(turn);
  const sums = range(height * width);
  const take = broadcasts(height, spec.subgroup, (i) => i * shared.stride);
  // Neighbouring terms of one position may share a cache line, so they are read together
  const loads = [
    ...range(width).flatMap((j) =>
      terms.map((t) => `let y${j}_${t} = ${laned.name}[l + ${j * lanes * laned.stride + t * laned.sumStride}u];`)
    ),
    ...take.loads.flatMap((load) =>
      terms.map((t) => `let p${load.id}_${t} = ${shared.name}[s + ${load.offset + t * shared.sumStride}u];`)
    ),
  ];
  const multiply = range(height).map((i) =>
    terms.map((t) => `let x${i}_${t} = ${take.value(i, (id) => `p${id}_${t}`)};`).join(" ") + " " +
    range(width).map((j) => {
      const sum = `c${i * width + j}`;
      return `${sum} = ${terms.reduce((e, t) => `${e} + x${i}_${t} * y${j}_${t}`, sum)};`;
    }).join(" ")
  );
  const guards = [
    ...(shared.length % height ? [`i0 + i < ${shared.length}u`] : []),
    ...(laned.length % (lanes * width) ? [`position < ${laned.length}u`] : []),
  ];
  const [row, column] = lanesOnRows ? ["position", "i0 + i"] : ["i0 + i", "position"];
  return {
    workgroups,
    code: `${spec.declarations}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(${take.lane}) lane: u32) {
  let id = group.x + group.y * ${workgroups[0]}u;
  ${surplus(total, workgroups)}
  let z = id / ${tilesX * tilesY}u;
  let i0 = id / ${tilesX}u % ${tilesY}u * ${height}u;
  let j0 = id % ${tilesX}u * ${lanes * width}u + lane;
  var s = ${shared.base("z")} + (i0${take.shift}) * ${shared.stride}u;
  var l = ${laned.base("z")} + j0 * ${laned.stride}u;
  ${sums.map((c) => `var c${c} = 0.0;`).join(" ")}
  ${rolled("k", k / turn)}
    ${loads.join("\n    ")}
    ${multiply.join("\n    ")}
    s += ${turn * shared.sumStride}u;
    l += ${turn * laned.sumStride}u;
  }
  var sums = array<f32, ${sums.length}>(${sums.map((c) => `c${c}`).join(", ")});
  ${rolled("i", height)}
    ${rolled("j", width)}
      let position = j0 + j * ${lanes}u;
      ${guards.length ? `if (${guards.join(" && ")}) {` : "{"}
        let index = (z * ${m}u + ${row}) * ${n}u + ${column};
        let value = sums[i * ${width}u + j];
        ${spec.store("index", "value")}
      }
    }
  }
}
`,
  };
}

/**
 * Positions that an invocation sums on each side. Large tiles load least; but compiling one takes longer than a small
 * product ever will, and a few large ones would leave processor cores idle.
 */
function extent(
  spec: MatmulSpec,
  lanes: number,
  shared: number,
  laned: number,
): { height: number; width: number } {
  const vectors = Math.ceil(laned / lanes);
  if (spec.batch * spec.m * spec.n * spec.k < SMALL) {
    return { height: tile(shared, spec.subgroup ? 8 : 4), width: tile(vectors, 2) };
  }
  if (!spec.subgroup) return { height: tile(shared, 16), width: tile(vectors, 8) };
  const width = vectors % 4 && vectors % 6 === 0 ? 6 : tile(vectors, shared <= 8 ? 8 : 4);
  const count = (height: number) => Math.ceil(shared / height) * Math.ceil(vectors / width) * spec.batch;
  return { height: tile(shared, count(32) < 4 ? 16 : 32), width };
}
