/**
 * Conditions as trees: what batching and compiled steps need of them.
 */
import { cat, type Tensor } from "@dipp/tensor";
import type { Cond } from "./types.ts";

/**
 * The fields that a condition has, without the absent ones.
 *
 * @param cond A condition.
 * @returns Field name to tensor.
 */
export function condFields(cond: Cond): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(cond).filter(([, value]) => value !== undefined),
  );
}

/**
 * Repeats a condition of one prompt over a batch; one that has the batch's
 * size passes through.
 *
 * @param cond A condition whose fields have 1 or `batch` rows.
 * @param batch Number of rows wanted.
 * @returns The condition with `batch` rows in every field.
 */
export function expandCond(cond: Cond, batch: number): Cond {
  return Object.fromEntries(
    Object.entries(condFields(cond)).map(([name, value]) => {
      if (value.shape[0] === batch) return [name, value];
      if (value.shape[0] !== 1) {
        throw new RangeError(
          `Condition field "${name}" has ${value.shape[0]} rows, expected 1 or ${batch}`,
        );
      }
      return [name, value.expand([batch, ...value.shape.slice(1)])];
    }),
  );
}

/**
 * Stacks two conditions along the batch axis.
 *
 * @param a First condition.
 * @param b Second condition, with the same fields.
 * @returns The condition of both batches, `a`'s rows first.
 */
export function catCond(a: Cond, b: Cond): Cond {
  const [first, second] = [condFields(a), condFields(b)];
  const names = Object.keys(first);
  if (
    names.length !== Object.keys(second).length ||
    names.some((name) => !(name in second))
  ) {
    throw new TypeError(
      `Conditions to be batched must have the same fields, got [${names}] and [${Object.keys(second)}]`,
    );
  }
  return Object.fromEntries(
    names.map((name) => [name, cat([first[name], second[name]], 0)]),
  );
}
