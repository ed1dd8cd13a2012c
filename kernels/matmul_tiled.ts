import { type Kernel, range, spread, surplus } from "./kernel.ts";
import type { MatmulOperand, MatmulSpec } from "./matmul.ts";

/** Rows and columns of the product that a workgroup computes. */
const TILE = 64;
/** Length of the sum that is staged at once. */
const DEPTH = 16;
/** Rows and columns of the product that an invocation computes. */
const PATCH = 4;
/** Invocations along each side of a workgroup. */
const SIDE = TILE / PATCH;

/**
 * Matrix product for a graphics processor: a workgroup of 16 x 16 invocations computes a 64 x 64 tile of the product,
 * staging 64 x 16 of each factor in workgroup memory; each invocation sums 4 x 4 elements in registers.
 */
export function tiledMatmul(spec: MatmulSpec): Kernel {
  const { batch, m, n, k, a, b } = spec;
  const tilesX = Math.ceil(n / TILE);
  const tilesY = Math.ceil(m / TILE);
  const total = tilesX * tilesY * batch;
  const workgroups = spread(total);
  const sums = range(PATCH * PATCH);
  const lanes = range(PATCH).map((j) => "xyzw"[j]);
  return {
    workgroups,
    code: `${spec.declarations}
var<workgroup> aTile: array<vec4<f32>, ${DEPTH * SIDE}>;
var<workgroup> bTile: array<vec4<f32>, ${DEPTH * SIDE}>;
@compute @workgroup_size(${SIDE}, ${SIDE})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let id = group.x + group.y * ${workgroups[0]}u;
  ${surplus(total, workgroups)}
  let z = id / ${tilesX * tilesY}u;
  let i0 = id / ${tilesX}u % ${tilesY}u * ${TILE}u;
  let j0 = id % ${tilesX}u * ${TILE}u;
  let aBase = ${a.base("z")};
  let bBase = ${b.base("z")};
  ${range(PATCH).map((i) => `var c${i} = vec4<f32>(0.0);`).join(" ")}
  for (var k0 = 0u; k0 < ${k}u; k0 += ${DEPTH}u) {
    ${stage("aTile", "aBase", a, a.rowStride, a.colStride, "i0", m, k)}
    ${stage("bTile", "bBase", b, b.colStride, b.rowStride, "j0", n, k)}
    workgroupBarrier();
    ${
      range(DEPTH).map((d) =>
        `{ let x = aTile[${d * SIDE}u + local.y]; let y = bTile[${d * SIDE}u + local.x]; ${
          range(PATCH).map((i) => `c${i} = fma(vec4<f32>(x.${lanes[i]}), y, c${i});`)
            .join(" ")
        } }`
      ).join("\n    ")
    }
    workgroupBarrier();
  }
  let row = i0 + local.y * ${PATCH}u;
  let column = j0 + local.x * ${PATCH}u;
  var sums = array<f32, ${sums.length}>(${sums.map((s) => `c${Math.floor(s / PATCH)}.${lanes[s % PATCH]}`).join(", ")});
  for (var i = 0u; i < ${PATCH}u; i++) {
    for (var j = 0u; j < ${PATCH}u; j++) {
      if (row + i < ${m}u && column + j < ${n}u) {
        let index = (z * ${m}u + row + i) * ${n}u + column + j;
        let value = sums[i * ${PATCH}u + j];
        ${spec.store("index", "value")}
      }
    }
  }
}
`,
  };
}

/**
 * Statements by which 256 invocations copy 64 positions x 16 terms into workgroup memory, one vec4 (four neighbouring
 * positions of one term) each; neighbouring invocations follow the direction that is contiguous in memory.
 */
function stage(
  tile: string,
  base: string,
  operand: MatmulOperand,
  stride: number,
  sumStride: number,
  first: string,
  length: number,
  k: number,
): string {
  const [term, quad] = sumStride === 1
    ? [`lane % ${DEPTH}u`, `lane / ${DEPTH}u`]
    : [`lane / ${SIDE}u`, `lane % ${SIDE}u`];
  const element = (q: number) => {
    const guards = [
      ...(length % TILE ? [`p + ${q}u < ${length}u`] : []),
      ...(k % DEPTH ? [`k0 + t < ${k}u`] : []),
    ];
    const load = `${operand.name}[o + ${q * stride}u]`;
    // A read past the end gives another element of the buffer or zero, and is discarded
    return guards.length ? `select(0.0, ${load}, ${guards.join(" && ")})` : load;
  };
  return `{ let t = ${term}; let q = ${quad}; let p = ${first} + q * ${PATCH}u;
      let o = ${base} + p * ${stride}u + (k0 + t) * ${sumStride}u;
      ${tile}[t * ${SIDE}u + q] = vec4<f32>(${range(PATCH).map(element).join(", ")}); }`;
}
