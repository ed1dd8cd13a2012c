/** How a reduction is cut into invocations, and the elements that each of them combines at a time. */
import type { ReducePrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";
import type { Body } from "./emitter.ts";
import { add, constant, scale, unravel, variable } from "./index_expression.ts";
import type { Target } from "./lower.ts";
import { WORTH_WIDTH } from "./lower_elementwise.ts";

/** A reduction's sizes and how its work is shared out. */
export interface ReductionShape {
  /** Elements in each result. */
  readonly length: number;
  /** Neighbouring results that one invocation computes. */
  readonly width: number;
  /** Neighbouring elements that it combines at a time. */
  readonly unroll: number;
  /** Whether a workgroup shares one result. */
  readonly shared: boolean;
}

/** Results from which one invocation each keeps the machine busy. */
const MANY_RESULTS = { software: 64, gpu: 4096 };
/** Elements from which a shared result is worth the barriers. */
const LONG = 64;

/** Decides how a reduction's work is shared out. */
export function reductionShape(primitive: ReducePrimitive, input: Tensor, target: Target): ReductionShape {
  const length = primitive.axes.reduce((n, a) => n * input.shape[a], 1);
  const results = input.size / length;
  const many = MANY_RESULTS[target.kind];
  const large = input.size >= WORTH_WIDTH;
  const last = input.shape.findLastIndex((n) => n > 1);
  // Where neighbouring results lie together in memory, an invocation takes four of them
  const width = large && !primitive.axes.includes(last) && results % 4 === 0 && results >= many ? 4 : 1;
  const unroll = width === 4 || !large ? 1 : [4, 2].find((u) => length % u === 0) ?? 1;
  const shared = width === 1 && results < many && length >= LONG;
  return { length, width, unroll: shared && length / unroll < LONG ? 1 : unroll, shared };
}

/** Emits the elements of one block: values[v][u] is element block * unroll + u of result i * width + v. */
export function emitBlock(
  primitive: ReducePrimitive,
  input: Tensor,
  { length, width, unroll }: ReductionShape,
  body: Body,
): { statements: readonly string[]; values: string[][] } {
  const kept = input.shape.map((n, a) => primitive.axes.includes(a) ? 1 : n);
  const reduced = input.shape.map((n, a) => primitive.axes.includes(a) ? n : 1);
  const first = scale(variable("i", input.size / length / width), width);
  const start = scale(variable("block", length / unroll), unroll);
  const values = Array.from({ length: width }, (_, v) => {
    const result = unravel(add(first, constant(v)), kept);
    return Array.from({ length: unroll }, (_, u) => {
      const element = unravel(add(start, constant(u)), reduced);
      return body.value(input, input.shape.map((_, a) => primitive.axes.includes(a) ? element[a] : result[a]));
    });
  });
  return { statements: body.statements, values };
}
