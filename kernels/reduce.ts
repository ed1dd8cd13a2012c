import { type Kernel, rolled, spread } from "./kernel.ts";

/** What a reduction kernel is made of. */
export interface ReduceSpec {
  /** Number of results. */
  readonly outputs: number;
  /** Number of elements that each result combines. */
  readonly length: number;
  /** How elements combine. */
  readonly combine: "sum" | "prod" | "max" | "min";
  /** WGSL type of the elements. */
  readonly type: "f32" | "i32" | "u32";
  /** Bindings and helper functions. */
  readonly declarations: string;
  /** Statements that compute a block of elements, given the names `i` and `block`. */
  readonly statements: string;
  /**
   * The block's elements: `values[v][u]` is element `block * U + u` of result `i * V + v`, where V is the number of
   * rows of `values`, a divisor of `outputs`, and U that of its columns, a divisor of `length`.
   */
  readonly values: readonly (readonly string[])[];
  /** Whether a workgroup of invocations shares the elements of a result. */
  readonly shared: boolean;
  /** Statements that run the epilogue on `total` for result `index` and store it. */
  store(index: string, total: string): string;
}

const START: Record<ReduceSpec["combine"], Record<ReduceSpec["type"], string>> = {
  sum: { f32: "0.0", i32: "0", u32: "0u" },
  prod: { f32: "1.0", i32: "1", u32: "1u" },
  // Finite, since WGSL has no literal for infinity; every f32 lies within
  max: { f32: "-3.4028234663852886e38f", i32: "i32(-2147483648)", u32: "0u" },
  min: {
    f32: "3.4028234663852886e38f",
    i32: "2147483647",
    u32: "4294967295u",
  },
};

const GROUP = 64;

/**
 * Combines `length` elements into each of `outputs` results, one invocation for V neighbouring results or one
 * workgroup for each. The order of the combinations is fixed, so results repeat bit for bit.
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
 *   statements: "",
 *   values: [["x[i * 8u + block * 2u]", "x[i * 8u + block * 2u + 1u]"]],
 *   shared: false,
 *   store: (index, total) => `y[${index}] = ${total};`,
 * });
 * assertEquals(kernel.workgroups, [32, 1, 1]);
 * ```
 */
export function reduce(spec: ReduceSpec): Kernel {
  return spec.shared ? perWorkgroup(spec) : perInvocation(spec);
}

function join(combine: ReduceSpec["combine"], a: string, b: string): string {
  if (combine === "sum" || combine === "prod") return `${a} ${combine === "sum" ? "+" : "*"} ${b}`;
  return `${combine}(${a}, ${b})`;
}

/** Statements that combine a block into the running totals `t0`, `t1`, ... */
function combineBlock({ statements, values, combine }: ReduceSpec): string {
  const updates = values.map((row, v) => `t${v} = ${row.reduce((sum, x) => join(combine, sum, x), `t${v}`)};`);
  return [statements, ...updates].join("\n    ");
}

function perInvocation(spec: ReduceSpec): Kernel {
  const { outputs, length, values, combine, type, declarations } = spec;
  const rows = values.map((_, v) => v);
  const invocations = outputs / rows.length;
  const workgroups = spread(Math.ceil(invocations / GROUP));
  return {
    workgroups,
    code: `${declarations}
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
  let i = gid.x + gid.y * ${GROUP * workgroups[0]}u;
  if (i >= ${invocations}u) { return; }
  ${rows.map((v) => `var t${v}: ${type} = ${START[combine][type]};`).join(" ")}
  ${rolled("block", length / values[0].length)}
    ${combineBlock(spec)}
  }
  ${rows.map((v) => spec.store(`i * ${rows.length}u + ${v}u`, `t${v}`)).join("\n  ")}
}
`,
  };
}

function perWorkgroup(spec: ReduceSpec): Kernel {
  const { outputs, length, values, combine, type, declarations } = spec;
  const workgroups = spread(outputs);
  const halvings: string[] = [];
  for (let half = GROUP / 2; half >= 1; half /= 2) {
    halvings.push(
      `if (lane < ${half}u) { part[lane] = ${join(combine, "part[lane]", `part[lane + ${half}u]`)}; }
  workgroupBarrier();`,
    );
  }
  return {
    workgroups,
    code: `${declarations}
var<workgroup> part: array<${type}, ${GROUP}>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = group.x + group.y * ${workgroups[0]}u;
  if (i >= ${outputs}u) { return; }
  var t0: ${type} = ${START[combine][type]};
  for (var block = lane; block < ${length / values[0].length}u + group.z; block += ${GROUP}u) {
    ${combineBlock(spec)}
  }
  part[lane] = t0;
  workgroupBarrier();
  ${halvings.join("\n  ")}
  if (lane == 0u) {
    ${spec.store("i", "part[0]")}
  }
}
`,
  };
}
