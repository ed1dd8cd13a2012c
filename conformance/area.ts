import type { Tensor } from "@dipp/tensor";
import type { GoldenCase } from "./golden_case.ts";

/** What an area computed for a case, by the names of the stored outputs; numbers of the host where no tensor is made. */
export type Outputs = Readonly<Record<string, Tensor | ArrayLike<number> | undefined>>;

/**
 * Computes the outputs of a case, all that it stores. What it needs to know it reads off the description, never off the
 * name. It throws {@linkcode Skipped} where dipp has no layer for the case; any other error is a failure of the case.
 */
export type Area = (one: GoldenCase) => Outputs | Promise<Outputs>;

/** Says that a case asks for something that is not here; the message names it. */
export class Skipped extends Error {}

/**
 * An area of several kinds of cases, told apart by the field `kind` of their descriptions.
 *
 * @param kinds What computes each kind.
 * @returns The area; a kind it does not know is skipped.
 */
export function byKind(kinds: Readonly<Record<string, Area>>): Area {
  return (one) => {
    const kind = one.field<string>("kind");
    if (!Object.hasOwn(kinds, kind)) throw new Skipped(`nothing here computes the kind "${kind}"`);
    return kinds[kind](one);
  };
}
