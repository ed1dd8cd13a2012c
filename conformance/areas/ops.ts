import { ELEMENTWISE, type Evaluate } from "@dipp/tensor/golden/elementwise.ts";
import { NETWORKS } from "@dipp/tensor/golden/networks.ts";
import { STRUCTURAL } from "@dipp/tensor/golden/structural.ts";
import type { Range, Tensor } from "@dipp/tensor";
import { type Area, Skipped } from "../area.ts";
import type { GoldenCase } from "../golden_case.ts";
import { gradients } from "../gradients.ts";

/** What is done to a stored tensor before the op sees it. */
type ViewStep =
  | { readonly permute: number[] }
  | { readonly slice: Range[] }
  | { readonly expand: number[] };

/**
 * Every op by its name in the manifest. An op that is not in the tables, and a variant for which its evaluator gives
 * undefined, is skipped; so an op that is added to a table is checked from then on.
 */
const OPS: Readonly<Record<string, Evaluate>> = { ...ELEMENTWISE, ...STRUCTURAL, ...NETWORKS };

/**
 * The outputs of a case's op.
 *
 * @throws {Skipped} If the op is in no table, or does not take the settings of the case.
 */
export function evaluateOp(one: GoldenCase): Tensor[] {
  const op = one.field<string>("op");
  if (!Object.hasOwn(OPS, op)) throw new Skipped(`there is no op "${op}"`);
  const described = one.field<Record<string, { view?: ViewStep[] }>>("inputs");
  const operands = Object.entries(described).map(([name, { view }]) => [name, seen(one.input(name), view)]);
  const attrs = one.field<Record<string, unknown>>("attrs");
  const result = OPS[op](Object.fromEntries(operands), attrs);
  if (result === undefined) throw new Skipped(`the op "${op}" does not take ${JSON.stringify(attrs)}`);
  return [result].flat();
}

/** Single ops, on strided operands too; gradients are with respect to what is stored, through the views. */
export const ops: Area = (one) => {
  const outputs = Object.fromEntries(evaluateOp(one).map((output, k) => [`${k}`, output]));
  return {
    ...Object.fromEntries(Object.entries(outputs).map(([k, output]) => [`output.${k}`, output])),
    ...gradients(one, outputs, one.allInputs()),
  };
};

/** The operand that the op sees: the stored tensor through its view. */
function seen(stored: Tensor, view: readonly ViewStep[] = []): Tensor {
  return view.reduce((x, step) => {
    if ("permute" in step) return x.permute(step.permute);
    if ("slice" in step) return x.slice(step.slice);
    if ("expand" in step) return x.expand(step.expand);
    throw new TypeError(`there is no view ${JSON.stringify(step)}, expected permute, slice or expand`);
  }, stored);
}
