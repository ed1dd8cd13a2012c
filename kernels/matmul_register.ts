import { type Kernel, LANES, range, rolled, spread, surplus, tile } from "./kernel.ts";
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
 * The eight invocations of a workgroup become the lanes of one vector. One side of the product ("shared") is read at
 * addresses that are the same for all lanes: one scalar load and a broadcast. The other ("laned") is read at a
 * different address by each lane, which costs eight guarded scalar loads; a tall tile of shared positions pays for it.
 * The driver's compiler is slow on memory accesses, so the tile is stored by a loop that fetches from a private array
 * instead of one statement for each element.
 */
export function registerMatmul(spec: MatmulSpec): Kernel {
  const rows: Side = {
    name: spec.a.name,
    base: (z) => spec.a.base(z),
    stride: spec.a.rowStride,
    sumStride: spec.a.colStride,
    length: spec.m,
  };
  const columns: Side = {
    name: spec.b.name,
    base: (z) => spec.b.base(z),
    stride: spec.b.colStride,
    sumStride: spec.b.rowStride,
    length: spec.n,
  };
  const lanesOnRows = spec.n < LANES * 2 && spec.m > spec.n;
  const [shared, laned] = lanesOnRows ? [columns, rows] : [rows, columns];
  // Compiling a large tile takes longer than a small product ever will
  const small = spec.batch * spec.m * spec.n * spec.k < SMALL;
  const height = tile(shared.length, small ? 4 : 16);
  const width = tile(Math.ceil(laned.length / LANES), small ? 2 : 8);
  const tilesY = Math.ceil(shared.length / height);
  const tilesX = Math.ceil(laned.length / (LANES * width));
  const total = tilesX * tilesY * spec.batch;
  const workgroups = spread(total);
  const exactShared = shared.length % height === 0;
  const exactLaned = laned.length % (LANES * width) === 0;

  const sums = range(height * width);
  const sharedOffset = (i: number) => exactShared ? `s + ${i * shared.stride}u` : `s${i}`;
  const lanedOffset = (j: number) => exactLaned ? `l + ${j * laned.stride}u` : `l${j}`;
  // Positions past an edge read the last one instead and are not stored
  const clamped = (side: Side, first: string, count: number, name: string) =>
    range(count).map((i) =>
      `  var ${name}${i} = ${name} + min(${first} + ${i}u, ${side.length - 1}u) * ${side.stride}u;`
    ).join("\n");
  const advance = (side: Side, exact: boolean, count: number, name: string) =>
    side.sumStride === 0 ? "" : (exact ? [name] : range(count).map((i) => name + i))
      .map((v) => `${v} += ${side.sumStride}u;`).join(" ");
  const start = (side: Side, exact: boolean, first: string) =>
    `${side.base("z")}${exact ? ` + ${first} * ${side.stride}u` : ""}`;
  const [row, column] = lanesOnRows ? ["position", "i0 + i"] : ["i0 + i", "position"];
  return {
    workgroups,
    code: `${spec.declarations}
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let id = group.x + group.y * ${workgroups[0]}u;
  ${surplus(total, workgroups)}
  let z = id / ${tilesX * tilesY}u;
  let i0 = id / ${tilesX}u % ${tilesY}u * ${height}u;
  let j0 = (id % ${tilesX}u * ${LANES}u + lane) * ${width}u;
  var s = ${start(shared, exactShared, "i0")};
  var l = ${start(laned, exactLaned, "j0")};
${exactShared ? "" : clamped(shared, "i0", height, "s")}
${exactLaned ? "" : clamped(laned, "j0", width, "l")}
  ${sums.map((c) => `var c${c} = 0.0;`).join(" ")}
  ${rolled("k", spec.k)}
    ${
      range(width).map((j) => `let y${j} = ${laned.name}[${lanedOffset(j)}];`)
        .join(" ")
    }
    ${
      range(height).map((i) =>
        `let x${i} = ${shared.name}[${sharedOffset(i)}]; ` +
        range(width).map((j) => `c${i * width + j} += x${i} * y${j};`).join(" ")
      ).join("\n    ")
    }
    ${advance(shared, exactShared, height, "s")} ${advance(laned, exactLaned, width, "l")}
  }
  var tile = array<f32, ${sums.length}>(${sums.map((c) => `c${c}`).join(", ")});
  for (var i = 0u; i < ${height}u; i++) {
    for (var j = 0u; j < ${width}u; j++) {
      let position = j0 + j;
      if (i0 + i < ${shared.length}u && position < ${laned.length}u) {
        let index = (z * ${spec.m}u + ${row}) * ${spec.n}u + ${column};
        let value = tile[i * ${width}u + j];
        ${spec.store("index", "value")}
      }
    }
  }
}
`,
  };
}
