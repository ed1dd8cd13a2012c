import { type Kernel, spread } from "./kernel.ts";

/** What a reduction kernel is made of. */
export interface ReduceSpec {
  /** Number of results. */
  readonly outputs: number;
  /** Number of elements that each result combines. */
  readonly length: number;
  /** How elements combine. */
  readonly combine: "sum" | "max" | "min";
  /** WGSL type of the elements. */
  readonly type: "f32" | "i32" | "u32";
  /** Bindings and helper functions. */
  readonly declarations: string;
  /** Statements and the expression of element `r` (u32 name) of result `i`. */
  readonly element: { readonly statements: string; readonly value: string };
  /** Statements that run the epilogue on `total` for result `i` and store it. */
  readonly store: string;
}

const START: Record<ReduceSpec["combine"], Record<ReduceSpec["type"], string>> =
  {
    sum: { f32: "0.0", i32: "0", u32: "0u" },
    // Finite, since WGSL has no literal for infinity; every f32 lies within
    max: { f32: "-3.4028234663852886e38f", i32: "i32(-2147483648)", u32: "0u" },
    min: {
      f32: "3.4028234663852886e38f",
      i32: "2147483647",
      u32: "4294967295u",
    },
  };

/** Results from which one invocation each keeps the machine busy; below, a workgroup shares one result. */
const MANY_OUTPUTS = 1024;
const GROUP = 64;

/**
 * Combines `length` elements into each of `outputs` results: one invocation a result where there are many, one
 * workgroup a result where there are few. The order of the combinations is fixed, so results repeat bit for bit.
 *
 * @param spec What to combine and how to store it.
 * @returns The kernel.
 *
 * @example Row sums of a 2000 x 8 matrix
 * ```ts
 * import { reduce } from "@dipp/kernels";
 * import { assertEquals } from "@std/assert";
 *
 * const kernel = reduce({
 *   outputs: 2000,
 *   length: 8,
 *   combine: "sum",
 *   type: "f32",
 *   declarations: `@group(0) @binding(0) var<storage, read> x: array<f32>;
 * @group(0) @binding(1) var<storage, read_write> y: array<f32>;`,
 *   element: { statements: "", value: "x[i * 8u + r]" },
 *   store: "y[i] = total;",
 * });
 * assertEquals(kernel.workgroups, [32, 1, 1]);
 * ```
 */
export function reduce(spec: ReduceSpec): Kernel {
  return spec.outputs >= MANY_OUTPUTS || spec.length < GROUP
    ? perInvocation(spec)
    : perWorkgroup(spec);
}

function join(combine: ReduceSpec["combine"], a: string, b: string): string {
  return combine === "sum" ? `${a} + ${b}` : `${combine}(${a}, ${b})`;
}

function perInvocation(
  { outputs, length, combine, type, declarations, element, store }: ReduceSpec,
): Kernel {
  const workgroups = spread(Math.ceil(outputs / 64));
  // The compiler bounds every loop with a counter of its own, so short loops are written out
  const unroll = element.statements.length < 2000
    ? [8, 4, 2].find((u) => length % u === 0) ?? 1
    : 1;
  const step = Array.from(
    { length: unroll },
    (_, u) =>
      `{ let r = block * ${unroll}u + ${u}u;
      ${element.statements}
      total = ${join(combine, "total", element.value)}; }`,
  ).join("\n    ");
  return {
    workgroups,
    code: `${declarations}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let i = gid.x + gid.y * ${64 * workgroups[0]}u;
  if (i >= ${outputs}u) { return; }
  var total: ${type} = ${START[combine][type]};
  for (var block = 0u; block < ${length / unroll}u; block++) {
    ${step}
  }
  ${store}
}
`,
  };
}

function perWorkgroup(
  { outputs, length, combine, type, declarations, element, store }: ReduceSpec,
): Kernel {
  const workgroups = spread(outputs);
  const halvings: string[] = [];
  for (let half = GROUP / 2; half >= 1; half /= 2) {
    halvings.push(
      `if (lane < ${half}u) { part[lane] = ${
        join(combine, "part[lane]", `part[lane + ${half}u]`)
      }; }
  workgroupBarrier();`,
    );
  }
  return {
    workgroups,
    code: `${declarations}
var<workgroup> part: array<${type}, ${GROUP}>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = wid.x + wid.y * ${workgroups[0]}u;
  if (i >= ${outputs}u) { return; }
  var sum: ${type} = ${START[combine][type]};
  for (var r = lane; r < ${length}u; r += ${GROUP}u) {
    ${element.statements}
    sum = ${join(combine, "sum", element.value)};
  }
  part[lane] = sum;
  workgroupBarrier();
  ${halvings.join("\n  ")}
  if (lane == 0u) {
    let total = part[0];
    ${store}
  }
}
`,
  };
}
