import { full, type Tensor } from "@dipp/tensor";

/**
 * Brings a timestep to one number a sample.
 *
 * @param timestep A number, or a tensor `[]`, `[1]` or `[B]` of any numeric dtype.
 * @param batch B.
 * @returns f32 `[B]`.
 */
export function batchTimestep(
  timestep: Tensor | number,
  batch: number,
): Tensor {
  if (typeof timestep === "number") return full([batch], timestep);
  if (timestep.size !== 1 && timestep.shape.join() !== `${batch}`) {
    throw new RangeError(
      `A timestep must be a number or have shape [${batch}], got [${timestep.shape}]`,
    );
  }
  const t = timestep.cast("f32");
  return t.size === 1 ? t.reshape([1]).expand([batch]) : t;
}
