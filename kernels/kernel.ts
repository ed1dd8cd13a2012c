/** A compute kernel: WGSL with the entry point `main`, and the workgroups to dispatch. */
export interface Kernel {
  /** WGSL source. */
  readonly code: string;
  /** Workgroups along x, y and z. */
  readonly workgroups: [number, number, number];
}

/** Most workgroups along one dimension that every WebGPU device allows. */
const MAX_WORKGROUPS = 65535;

/**
 * Spreads workgroups that are numbered in one dimension over two. The kernel numbers them `x + y * workgroups[0]` and
 * must skip the numbers from `count` on.
 */
export function spread(count: number): [number, number, number] {
  const y = Math.ceil(count / MAX_WORKGROUPS);
  return [Math.ceil(count / y), y, 1];
}

/** Statement that ends the invocations of workgroups from `count` on, where `spread` made such. */
export function surplus(count: number, [x, y]: readonly number[]): string {
  return count === x * y ? "" : `if (id >= ${count}u) { return; }`;
}

/** Invocations that a software adapter runs as the lanes of one vector (AVX2). */
const LANES = 8;

/** Invocations in a workgroup whose invocations each sum a tile of registers. */
export function laneCount({ target, subgroup }: { target: "software" | "gpu"; subgroup?: number | undefined }): number {
  return target === "gpu" ? 64 : subgroup ?? LANES;
}

/** Numbers 0 to n - 1. */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** Extent of the smallest equal tiles that cover `length` in as few tiles as tiles of `most` would. */
export function tile(length: number, most: number): number {
  return Math.ceil(length / Math.ceil(length / most));
}

/**
 * The head of a loop over a fixed count that the driver's compiler does not unroll: it takes seconds to compile a short
 * loop around a tile of registers once it is written out. `group` is the workgroup's position, whose z is always 0.
 */
export function rolled(name: string, count: number): string {
  return `for (var ${name} = 0u; ${name} < ${count}u + group.z; ${name}++) {`;
}

/** How the lanes of a workgroup get at elements that all of them need. */
export interface Broadcasts {
  /** Loads, each of one element a lane, with the offset of its first element. */
  readonly loads: readonly { readonly id: number; readonly offset: number }[];
  /** What to add to the position of the first element to get the lane's: nothing, or its number. */
  readonly shift: string;
  /** Expression for element `i`, given the name of each load. */
  value(i: number, name: (id: number) => string): string;
  /** WGSL builtin that numbers the lanes. */
  readonly lane: "local_invocation_index" | "subgroup_invocation_id";
}

/**
 * Plans the loading of `count` elements that all lanes need, element i at `offset(i)`, which is linear: with subgroup
 * operations each lane loads one in turn and the others get it from there; without, each lane loads all.
 */
export function broadcasts(
  count: number,
  subgroup: number | undefined,
  offset: (i: number) => number,
): Broadcasts {
  const size = subgroup ?? 1;
  return {
    loads: range(Math.ceil(count / size)).map((id) => ({ id, offset: offset(id * size) })),
    shift: subgroup ? " + lane" : "",
    value: (i, name) => subgroup ? `subgroupBroadcast(${name(Math.floor(i / size))}, ${i % size}u)` : name(i),
    lane: subgroup ? "subgroup_invocation_id" : "local_invocation_index",
  };
}
