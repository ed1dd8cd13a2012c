import { element, PER_WORD, quad } from "./element.ts";
import { type Arithmetic, BLOCK, enable } from "./half_products.ts";
import { type Kernel, range, spread, surplus } from "./kernel.ts";
import { liesInFours, type MatmulOperand, type MatmulSpec, type TiledVariant } from "./matmul_spec.ts";

/** Invocations along each side of a workgroup. */
const SIDE = 16;
const INVOCATIONS = SIDE * SIDE;

/** One factor of a product as a workgroup fetches it. */
export interface Factor {
  /** Positions along the product. */
  readonly length: number;
  /** Statements before the loop; they may use the number `z` of the product. */
  readonly prologue: string;
  /** Expression (f32) of the element at a position and a term of the sum, both in range; u32 expressions. */
  at(position: string, term: string): string;
  /** Direction in which neighbours lie together in memory. */
  readonly along: "positions" | "terms";
  /** Expression (vec4<f32>) of four neighbours along that direction, where they can be loaded as one. */
  quad?(position: string, term: string): string;
}

/** A batched product of factors that need not lie in memory as matrices. */
export interface TiledProduct {
  /** Number of independent products. */
  readonly batch: number;
  /** Length of the sum. */
  readonly k: number;
  /** The factors, [rows, k] and [k, columns]. */
  readonly factors: readonly [Factor, Factor];
  /** What the factors are multiplied in. */
  readonly arithmetic?: Arithmetic | undefined;
  /** Bindings and helper functions. */
  readonly declarations: string;
  /** Statements that store `value` for product `z` at `row` and `column`, names in scope. */
  readonly store: string;
  /** The same for `value` and the one after it in the row, `next`. */
  readonly storePair?: string | undefined;
}

/**
 * Matrix product for a graphics processor: a workgroup of 16 x 16 invocations computes a block of the product, staging
 * blocks of both factors in workgroup memory; each invocation sums a patch in registers.
 *
 * Patches are of 4 neighbours, or of two such groups half a block apart, so that the 16 invocations that read different
 * groups of a term read 16 neighbouring vectors: no bank conflicts. The staged block has one vector more a term than it
 * needs, which spreads over the banks what is written across.
 */
export function tiledProduct(spec: TiledProduct, variant: TiledVariant): Kernel {
  const { batch, k, factors: [a, b], arithmetic = "f32" } = spec;
  const { rows, columns, depth } = variant;
  const tilesY = Math.ceil(a.length / (SIDE * rows));
  const tilesX = Math.ceil(b.length / (SIDE * columns));
  const total = tilesX * tilesY * batch;
  const workgroups = spread(total);
  const [highs, wides] = [range(rows / 4), range(columns / 4)];
  const sums = range(rows).flatMap((i) => wides.map((j) => `c${i}_${j}`));
  const vector = `vec4<${arithmetic}>`;
  // In f16 the loop over a staged block is in two, so that few products are summed before they go into the f32 sums
  const half = arithmetic === "f16";
  const block = half ? Math.min(depth, depth % BLOCK === 0 ? BLOCK : 4) : depth;
  const parts = sums.map((c) => half ? `h${c.slice(1)}` : c);
  const size = (n: number) => depth * (SIDE * n / 4 + 1);
  const step = spec.storePair ? 2 : 1;
  const store = spec.storePair
    ? `let next = sums[i * ${columns / 4}u + j / 4u][j % 4u + 1u];\n        ${spec.storePair}`
    : spec.store;
  return {
    workgroups,
    code: `${enable(arithmetic)}${spec.declarations}
var<workgroup> aTile: array<${vector}, ${size(rows)}>;
var<workgroup> bTile: array<${vector}, ${size(columns)}>;
@compute @workgroup_size(${SIDE}, ${SIDE})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let id = group.x + group.y * ${workgroups[0]}u;
  ${surplus(total, workgroups)}
  let z = id / ${tilesX * tilesY}u;
  let i0 = id / ${tilesX}u % ${tilesY}u * ${SIDE * rows}u;
  let j0 = id % ${tilesX}u * ${SIDE * columns}u;
  ${a.prologue}
  ${b.prologue}
  ${sums.map((c) => `var ${c} = vec4<f32>(0.0);`).join(" ")}
  for (var k0 = 0u; k0 < ${k}u; k0 += ${depth}u) {
    ${stage("aTile", vector, a, "i0", rows, k, depth)}
    ${stage("bTile", vector, b, "j0", columns, k, depth)}
    workgroupBarrier();
    ${
      half
        ? `for (var d0 = 0u; d0 < ${depth}u; d0 += ${block}u) { ${
          parts.map((h) => `var ${h} = ${vector}(0.0);`).join(" ")
        }
    for (var d = d0; d < d0 + ${block}u; d++) {`
        : `for (var d = 0u; d < ${depth}u; d++) {`
    }
      ${highs.map((h) => `let x${h} = aTile[d * ${SIDE * rows / 4 + 1}u + local.y + ${h * SIDE}u];`).join(" ")}
      ${wides.map((w) => `let y${w} = bTile[d * ${SIDE * columns / 4 + 1}u + local.x + ${w * SIDE}u];`).join(" ")}
      ${
      range(rows).map((i) =>
        wides.map((w) => {
          const part = parts[i * wides.length + w];
          return `${part} = fma(${vector}(x${Math.floor(i / 4)}.${"xyzw"[i % 4]}), y${w}, ${part});`;
        }).join(" ")
      ).join("\n      ")
    }
    }
    ${half ? `${sums.map((c, at) => `${c} += vec4<f32>(${parts[at]});`).join(" ")} }` : ""}
    workgroupBarrier();
  }
  var sums = array<vec4<f32>, ${sums.length}>(${sums.join(", ")});
  for (var i = 0u; i < ${rows}u; i++) {
    let row = i0 + i / 4u * ${4 * SIDE}u + local.y * 4u + i % 4u;
    for (var j = 0u; j < ${columns}u; j += ${step}u) {
      let column = j0 + j / 4u * ${4 * SIDE}u + local.x * 4u + j % 4u;
      if (row < ${a.length}u && column < ${b.length}u) {
        let value = sums[i * ${columns / 4}u + j / 4u][j % 4u];
        ${store}
      }
    }
  }
}
`,
  };
}

/**
 * Statements by which all invocations copy a block of a factor into workgroup memory, as vectors of four neighbouring
 * positions of one term; neighbouring invocations follow the direction that is contiguous in memory.
 */
function stage(
  tile: string,
  vector: string,
  factor: Factor,
  first: string,
  patch: number,
  k: number,
  depth: number,
): string {
  const quads = SIDE * patch / 4;
  const { length } = factor;
  const inside = (p: string, t: string) =>
    [
      ...(length % (SIDE * patch) ? [`${p} < ${length}u`] : []),
      ...(k % depth ? [`${t} < ${k}u`] : []),
    ].join(" && ");
  // A read past the end gives another element of the buffer or zero, and is discarded
  const guarded = (p: string, t: string, value: string, zero: string) => {
    const condition = inside(p, t);
    return condition ? `select(${zero}, ${value}, ${condition})` : value;
  };
  const blocks = (count: number, body: string) =>
    range(Math.ceil(count / INVOCATIONS)).map((r) => {
      const guard = (r + 1) * INVOCATIONS > count ? `if (lane < ${count - r * INVOCATIONS}u) ` : "";
      return `${guard}{ let e = lane + ${r * INVOCATIONS}u; ${body} }`;
    }).join("\n    ");
  const target = (t: string) => `${tile}[(${t}) * ${quads + 1}u + q]`;
  if (factor.quad && factor.along === "terms") {
    // Four terms of four positions, turned
    const lines = range(4).map((i) =>
      `let r${i} = ${guarded(`p + ${i}u`, "k0 + t", factor.quad!(`(p + ${i}u)`, "(k0 + t)"), "vec4<f32>(0.0)")};`
    );
    const turned = range(4).map((t) =>
      `${target(`t + ${t}u`)} = ${vector}(vec4<f32>(${range(4).map((i) => `r${i}.${"xyzw"[t]}`).join(", ")}));`
    );
    return blocks(
      quads * depth / 4,
      `let t = e % ${depth / 4}u * 4u; let q = e / ${depth / 4}u; let p = ${first} + q * 4u; ${
        [...lines, ...turned].join(" ")
      }`,
    );
  }
  const [term, quad] = factor.along === "terms" && !factor.quad
    ? [`e % ${depth}u`, `e / ${depth}u`]
    : [`e / ${quads}u`, `e % ${quads}u`];
  const value = factor.quad
    ? guarded("p", "k0 + t", factor.quad("p", "(k0 + t)"), "vec4<f32>(0.0)")
    : `vec4<f32>(${
      range(4).map((i) => guarded(`p + ${i}u`, "k0 + t", factor.at(`(p + ${i}u)`, "(k0 + t)"), "0.0")).join(", ")
    })`;
  return blocks(
    quads * depth,
    `let t = ${term}; let q = ${quad}; let p = ${first} + q * 4u; ${target("t")} = ${vector}(${value});`,
  );
}

/** The factor that a strided matrix is. */
function matrixFactor(
  operand: MatmulOperand,
  name: string,
  length: number,
  stride: number,
  sumStride: number,
  [rows, columns]: readonly [number, number],
): Factor {
  const address = (p: string, t: string) => `${name} + ${p} * ${stride}u + ${t} * ${sumStride}u`;
  const along = sumStride === 1 ? "terms" as const : "positions" as const;
  const whole = PER_WORD[operand.type ?? "f32"] > 1 && liesInFours(operand, rows, columns);
  return {
    length,
    along,
    prologue: `let ${name} = ${operand.base("z")};`,
    at: (p, t) => element(operand, address(p, t)),
    ...(whole && { quad: (p: string, t: string) => quad(operand, address(p, t)) }),
  };
}

/** The product of two strided matrices, by blocks in workgroup memory. */
export function tiledMatmul(spec: MatmulSpec, variant: TiledVariant): Kernel {
  const { batch, m, n, k, a, b, declarations, arithmetic } = spec;
  const index = `let index = (z * ${m}u + row) * ${n}u + column;`;
  return tiledProduct({
    batch,
    k,
    arithmetic,
    declarations,
    factors: [
      matrixFactor(a, "aBase", m, a.rowStride, a.colStride, [m, k]),
      matrixFactor(b, "bBase", n, b.colStride, b.rowStride, [k, n]),
    ],
    store: `${index} ${spec.store("index", "value")}`,
    storePair: spec.storePair && `${index} ${spec.storePair("index", "value", "next")}`,
  }, variant);
}
