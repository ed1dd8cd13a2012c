import { type Tensor, vjp } from "@dipp/tensor";
import type { GoldenCase } from "./golden_case.ts";

/**
 * The gradients that a case stores as `grad.<name>`, of the sum of its outputs times the inputs `cotangent.<output>`.
 * The cotangents are seeds and not factors, because an output may be infinite where its cotangent is 0.
 *
 * @param one The case.
 * @param outputs The outputs, by name.
 * @param leaves What may be differentiated with respect to: inputs and weights, by name.
 * @returns The gradients, under the names of the stored ones.
 * @throws {RangeError} If a gradient is of something that is no leaf, or there is no cotangent.
 */
export function gradients(
  one: GoldenCase,
  outputs: Readonly<Record<string, Tensor>>,
  leaves: Readonly<Record<string, Tensor | undefined>>,
): Record<string, Tensor> {
  const names = [...one.outputs.keys()].filter((name) => name.startsWith("grad."));
  if (names.length === 0) return {};
  const seeded = Object.keys(outputs).filter((name) => one.inputs.has(`cotangent.${name}`));
  if (seeded.length === 0) throw new RangeError("the case stores gradients but no cotangent");
  const wrt = names.map((name) => {
    const leaf = leaves[name.slice("grad.".length)];
    if (leaf) return leaf;
    throw new RangeError(`"${name}" is the gradient of something that is neither input nor weight`);
  });
  const grads = vjp(
    seeded.map((name) => outputs[name]),
    seeded.map((name) => one.input(`cotangent.${name}`)),
    wrt,
  );
  return Object.fromEntries(names.map((name, i) => [name, grads[i]]));
}
