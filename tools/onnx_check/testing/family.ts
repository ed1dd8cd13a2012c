/** Families of operators that are compared in one model. */
import type { ModelBuilder } from "./model_builder.ts";

/** A family of operators. */
export interface Family {
  /** What it is called. */
  readonly name: string;
  /** Version of its operators. */
  readonly opset: number;
  /** Adds its nodes. */
  readonly build: (g: ModelBuilder) => void;
}

/** A real attribute. */
export const float = (x: number): { float: number } => ({ float: x });

/** 0.1, 0.2, ... with changing signs. */
export const numbers = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => (i % 3 - 1) * 0.1 * (i % 7 + 1) + 0.05);
