/** Where loads go along one variable of a loop, and in what stretches they go straight. */
import { argumentsOf, type Expression } from "../expression.ts";
import type { Atom, Index } from "../index_expression.ts";
import type { WasmScope } from "./scope.ts";

/** Calls `visit` with every index in an expression, those of computed variables included. */
function visitIndices(top: Expression, visit: (index: Index, load: Expression) => void): void {
  const seen = new Set<Expression>();
  const follow = (index: Index, x: Expression) => {
    visit(index, x);
    for (const [atom] of index.terms) computed(atom);
  };
  const computed = (atom: Atom) => {
    if (atom.kind !== "variable") atom.of.terms.forEach(([inner]) => computed(inner));
    else if (atom.value) walk(atom.value);
  };
  const walk = (x: Expression) => {
    if (seen.has(x)) return;
    seen.add(x);
    if (x.form.kind === "index") follow(x.form.index, x);
    if (x.form.kind === "load") follow(x.form.position, x);
    argumentsOf(x).forEach(walk);
  };
  walk(top);
}

/** Records what an expression reads, and where. */
export function recordReads(top: Expression, scope: WasmScope): void {
  visitIndices(top, (index, { form }) => {
    if (form.kind === "load") scope.read(form.tensor, index.key);
  });
}

const gcd = (a: number, b: number): number => b === 0 ? a : gcd(b, a % b);

/**
 * Length of the stretches of a variable, equal and as long as can be, within which every index is linear in it: `length`
 * where there is no quotient or remainder of it.
 */
export function stretch(top: Expression, variable: string, length: number): number {
  let result = length;
  const visit = (index: Index) => {
    for (const [atom] of index.terms) {
      if (atom.kind === "variable") continue;
      const own = atom.of.terms.find(([inner]) => inner.kind === "variable" && inner.key === variable);
      if (own) result = gcd(result, atom.by);
      visit(atom.of);
    }
  };
  visitIndices(top, visit);
  return result;
}
