/** Expressions as keys: what is equal computes the same from buffers of equal types. */
import { argumentsOf, type Expression } from "../expression.ts";
import type { Index } from "../index_expression.ts";
import type { WasmScope } from "./scope.ts";

/** A text that is equal for expressions that do the same with the buffers of their kernels. */
export function expressionKey(top: Expression, scope: WasmScope): string {
  const numbers = new Map<Expression, number>();
  const parts: string[] = [];
  const number = (x: Expression): number => {
    const known = numbers.get(x);
    if (known !== undefined) return known;
    const text = describe(x);
    numbers.set(x, numbers.size);
    parts.push(text);
    return numbers.size - 1;
  };
  const index = ({ terms, offset }: Index): string =>
    terms.map(([atom, c]) => {
      if (atom.kind !== "variable") return `${c}*(${index(atom.of)}${atom.kind === "div" ? "/" : "%"}${atom.by})`;
      return `${c}*${atom.value ? `$${number(atom.value)}` : atom.key}`;
    }).join("+") + `+${offset}`;
  const describe = (x: Expression): string => {
    const { form, type } = x;
    switch (form.kind) {
      case "literal":
        return `${Object.is(form.value, -0) ? "-0" : form.value}:${type}`;
      case "index":
        return `[${index(form.index)}]`;
      case "load": {
        const { tensor, position } = form;
        return `@${scope.reads.get(tensor)}:${tensor.dtype}:${tensor.size}[${index(position)}]`;
      }
      case "core":
        return `core:${type}`;
      default: {
        const args = argumentsOf(x).map(number).join(",");
        const name = form.kind === "operation"
          ? form.op
          : form.kind === "call"
          ? `${form.callee.name}!`
          : form.kind === "threefry"
          ? `threefry${form.lane}`
          : `parameter${form.index}`;
        return `${name}:${type}(${args})`;
      }
    }
  };
  number(top);
  return parts.join(";");
}
