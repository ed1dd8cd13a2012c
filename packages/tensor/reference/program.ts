/** What a program is: steps that build tensors of tensors. */
import type { DType } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import type { Dice } from "./dice.ts";

/** A tensor that is given. */
export interface LeafStep {
  readonly kind: "leaf";
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values: readonly number[];
}

/** A tensor made of others. */
export interface OperationStep {
  readonly kind: "operation";
  /** The code, with $0, $1, ... for the arguments. */
  readonly text: string;
  /** Which steps it takes. */
  readonly args: readonly number[];
  make(...args: Tensor[]): Tensor;
}

/** One step of a program. */
export type Step = LeafStep | OperationStep;

/** Steps, and those of them whose tensors are wanted. */
export interface Program {
  readonly steps: readonly Step[];
  readonly wanted: readonly number[];
}

/** What an operation may ask for while it is being drawn. */
export interface Draft {
  readonly dice: Dice;
  /** Tensors so far, only to ask for shapes and dtypes. */
  readonly tensors: readonly Tensor[];
  /** Adds a leaf and gives its number. */
  leaf(shape: readonly number[], dtype?: DType, values?: readonly number[]): number;
}
