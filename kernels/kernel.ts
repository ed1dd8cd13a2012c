/** A compute kernel: WGSL with the entry point `main`, and the workgroups to dispatch. */
export interface Kernel {
  /** WGSL source. */
  readonly code: string;
  /** Workgroups along x, y and z. */
  readonly workgroups: [number, number, number];
}

/** Most workgroups along one dimension that every WebGPU device allows. */
export const MAX_WORKGROUPS = 65535;

/**
 * Spreads workgroups that are numbered in one dimension over two. The kernel numbers them `x + y * workgroups[0]` and
 * must skip the numbers from `count` on.
 */
export function spread(count: number): [number, number, number] {
  const y = Math.ceil(count / MAX_WORKGROUPS);
  return [Math.ceil(count / y), y, 1];
}
