import { type Kernel, spread } from "./kernel.ts";

/** What an elementwise kernel is made of. */
export interface ElementwiseSpec {
  /** Invocations: one for each output element, or for each pair of 16-bit elements. */
  readonly size: number;
  /** Bindings and helper functions. */
  readonly declarations: string;
  /** Statements that compute and store, given the invocation's index `i`. */
  readonly body: string;
}

/**
 * One invocation for each element.
 *
 * @param spec The element count, declarations and body.
 * @returns The kernel, in workgroups of 64.
 *
 * @example Doubling
 * ```ts
 * import { elementwise } from "@dipp/kernels";
 * import { assertEquals } from "@std/assert";
 *
 * const kernel = elementwise({
 *   size: 1000,
 *   declarations: "@group(0) @binding(0) var<storage, read_write> x: array<f32>;",
 *   body: "x[i] = 2.0 * x[i];",
 * });
 * assertEquals(kernel.workgroups, [16, 1, 1]);
 * ```
 */
export function elementwise(
  { size, declarations, body }: ElementwiseSpec,
): Kernel {
  const workgroups = spread(Math.ceil(size / 64));
  return {
    workgroups,
    code: `${declarations}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let i = gid.x + gid.y * ${64 * workgroups[0]}u;
  if (i >= ${size}u) { return; }
  ${body}
}
`,
  };
}
