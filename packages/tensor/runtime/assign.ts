/** Updates of state, collected until the step that makes them runs. */
import { sameShape, show } from "../shape.ts";
import type { Assignment } from "../schedule/describe.ts";
import { isLeaf } from "../schedule/group.ts";
import type { Tensor } from "../tensor.ts";

let pending: Assignment[] = [];

/**
 * Gives a stored tensor (a parameter, an optimiser moment) a new value when the current compiled step, or outside one
 * the next `realize()`, ends. Until then every read sees the old value; to use the new one in the same step, use the
 * expression `value` itself.
 *
 * @param target A tensor that was made from data or realised.
 * @param value Its next value, of the same shape and dtype.
 * @throws {TypeError} If `target` is not stored, or the dtypes differ.
 * @throws {RangeError} If the shapes differ.
 */
export function assign(target: Tensor, value: Tensor): void {
  if (!isLeaf(target)) {
    throw new TypeError(
      `Cannot assign to ${target}: expected a tensor made from data or realised`,
    );
  }
  if (target.primitive.name === "input") {
    throw new TypeError(
      `Cannot assign to ${target}, an input of a function that is traced: expected a tensor that it captures`,
    );
  }
  if (!sameShape(target.shape, value.shape)) {
    throw new RangeError(
      `Cannot assign shape ${show(value.shape)} to a tensor of shape ${show(target.shape)}`,
    );
  }
  if (target.dtype !== value.dtype) {
    throw new TypeError(
      `Cannot assign ${value.dtype} to a tensor of dtype ${target.dtype}`,
    );
  }
  if (pending.some((a) => a.target === target)) {
    throw new TypeError(`Cannot assign to ${target} twice in one step`);
  }
  if (target !== value) pending.push({ target, value });
}

/** The updates collected so far, left pending. */
export function pendingAssignments(): readonly Assignment[] {
  return pending;
}

/** Hands over the updates collected so far. */
export function takeAssignments(): Assignment[] {
  const taken = pending;
  pending = [];
  return taken;
}

/** Runs `fn` and hands over the updates that it made, leaving earlier ones pending. */
export function collectAssignments<T>(
  fn: () => T,
): { result: T; assignments: Assignment[] } {
  const outer = takeAssignments();
  try {
    const result = fn();
    return { result, assignments: takeAssignments() };
  } finally {
    pending = outer;
  }
}
