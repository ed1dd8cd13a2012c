/**
 * Symbolic index arithmetic. Views are followed by rewriting the coordinates at which an input is read, and the
 * resulting address is simplified here, so that a chain of reshapes, permutations and slices costs no copy and, where
 * the divisions cancel, no arithmetic either.
 *
 * Values are unsigned 32-bit and wrap: an address that underflows lies outside a pad's mask and is never used.
 */
import type { Expression } from "./expression.ts";

/**
 * Smallest parts of an index: a variable in [0, size), which a loop counts or an expression computes, or a quotient or
 * remainder that did not simplify.
 */
export type Atom =
  | { kind: "variable"; key: string; max: number; value?: Expression | undefined }
  | { kind: "div" | "mod"; key: string; max: number; of: Index; by: number };

/** Affine combination of atoms: offset + sum of coefficient * atom. */
export interface Index {
  /** Atoms with their coefficients, in the order of their keys. */
  readonly terms: readonly (readonly [Atom, number])[];
  /** The constant part. */
  readonly offset: number;
  /** Smallest value. */
  readonly min: number;
  /** Largest value. */
  readonly max: number;
  /** The same for equal indices. */
  readonly key: string;
}

/** An index that spells its key only when asked. */
class Sum implements Index {
  readonly terms: Index["terms"];
  readonly offset: number;
  readonly min: number;
  readonly max: number;
  #key: string | undefined;

  constructor(terms: Index["terms"], offset: number) {
    this.terms = terms;
    this.offset = offset;
    let [min, max] = [offset, offset];
    for (const [atom, c] of terms) {
      if (c > 0) max += c * atom.max;
      else min += c * atom.max;
    }
    this.min = min;
    this.max = max;
  }

  get key(): string {
    return this.#key ??= this.terms.map(([a, c]) => `${c}*${a.key}`).join("+") + `+${this.offset}`;
  }
}

/** Sum of atoms with coefficients, and a constant. */
export function affine(
  terms: readonly (readonly [Atom, number])[],
  offset: number,
): Index {
  const sorted = terms.length < 2 ? terms : [...terms].sort((a, b) => a[0].key < b[0].key ? -1 : 1);
  return new Sum(sorted, offset);
}

/** Index that is the same everywhere. */
export function constant(value: number): Index {
  return affine([], value);
}

/** Index that is called `name`, in [0, size): counted by a loop, or computed by the expression `value` (u32). */
export function variable(name: string, size: number, value?: Expression): Index {
  return size === 1 ? constant(0) : affine([[{ kind: "variable", key: name, max: size - 1, value }, 1]], 0);
}

function atomIndex(kind: "div" | "mod", of: Index, by: number): Index {
  const max = kind === "mod" ? Math.min(by - 1, of.min >= 0 ? of.max : by - 1) : Math.floor(of.max / by);
  return affine([[{
    kind,
    key: `(${of.key}${kind === "div" ? "/" : "%"}${by})`,
    max,
    of,
    by,
  }, 1]], 0);
}

/** Product of an index and an integer. */
export function scale(a: Index, c: number): Index {
  if (c === 1) return a;
  return c === 0 ? constant(0) : new Sum(a.terms.map(([atom, k]) => [atom, k * c] as const), a.offset * c);
}

/** Sum of two indices, recombining a quotient and a remainder of one value into that value. */
export function add(a: Index, b: Index): Index {
  if (b.terms.length === 0) return b.offset === 0 ? a : new Sum(a.terms, a.offset + b.offset);
  if (a.terms.length === 0) return a.offset === 0 ? b : new Sum(b.terms, a.offset + b.offset);
  const terms = mergeTerms(a.terms, b.terms);
  const offset = a.offset + b.offset;
  for (const [atom, c] of terms) {
    if (atom.kind !== "mod") continue;
    // c * (x % m) + c*m * (x / m) = c * x, and the same with (x / m) % k gives c * (x % (m*k))
    const quotient = div(atom.of, atom.by);
    if (
      quotient.terms.length !== 1 || quotient.offset !== 0 ||
      quotient.terms[0][1] !== 1
    ) continue;
    const partners = terms.filter(([p, k]) => k === c * atom.by && p.key !== atom.key);
    for (const [partner] of partners) {
      const whole = partner.key === quotient.terms[0][0].key;
      if (
        !whole && !(partner.kind === "mod" && partner.of.key === quotient.key)
      ) continue;
      const others = terms.filter(([p]) => p.key !== atom.key && p.key !== partner.key);
      const joined = whole ? atom.of : mod(atom.of, atom.by * (partner as { by: number }).by);
      return add(new Sum(others, offset), scale(joined, c));
    }
  }
  return new Sum(terms, offset);
}

/** Both in the order of their keys, with one coefficient for each atom. */
function mergeTerms(a: Index["terms"], b: Index["terms"]): (readonly [Atom, number])[] {
  const merged: (readonly [Atom, number])[] = [];
  let i = 0, j = 0;
  while (i < a.length && j < b.length) {
    const [left, right] = [a[i][0].key, b[j][0].key];
    if (left < right) merged.push(a[i++]);
    else if (left > right) merged.push(b[j++]);
    else {
      const total = a[i][1] + b[j][1];
      if (total !== 0) merged.push([a[i][0], total]);
      i++, j++;
    }
  }
  while (i < a.length) merged.push(a[i++]);
  while (j < b.length) merged.push(b[j++]);
  return merged;
}

function gcd(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : gcd(b, a % b);
}

/** Splits a into a multiple of c and the rest. */
function divide(a: Index, c: number): { quotient: Index; rest: Index } {
  const floor = Math.floor(a.offset / c);
  const multiple = a.terms.filter(([, k]) => k % c === 0).map(([atom, k]) => [atom, k / c] as const);
  const others = a.terms.filter(([, k]) => k % c !== 0);
  return {
    quotient: new Sum(multiple, floor),
    rest: new Sum(others, a.offset - floor * c),
  };
}

/**
 * Writes a as g * coarse + fine with 0 <= fine < g and g a divisor of c, for the largest such g above one: the fine
 * part can not carry into a quotient by c.
 */
function coarsen(a: Index, c: number): { g: number; coarse: Index; fine: Index } | null {
  const candidates = [...new Set(a.terms.map(([, k]) => gcd(c, k)))].filter((g) => g > 1).sort((x, y) => y - x);
  for (const g of candidates) {
    const { quotient: coarse, rest: fine } = divide(a, g);
    if (coarse.min >= 0 && fine.min >= 0 && fine.max < g) return { g, coarse, fine };
  }
  return null;
}

/** Quotient of an index by a positive integer, rounded down; the index must not be negative where it is used. */
export function div(a: Index, c: number): Index {
  if (c === 1) return a;
  const { quotient, rest } = divide(a, c);
  if (rest.min < 0 || quotient.min < 0) return atomIndex("div", a, c);
  if (rest.max < c) return quotient;
  const split = coarsen(rest, c);
  if (split) return add(quotient, div(split.coarse, c / split.g));
  const [atom, k] = rest.terms[0];
  if (rest.terms.length === 1 && k === 1 && rest.offset === 0) {
    if (atom.kind === "div") return add(quotient, div(atom.of, atom.by * c));
    if (atom.kind === "mod" && atom.by % c === 0) return add(quotient, mod(div(atom.of, c), atom.by / c));
  }
  return add(quotient, atomIndex("div", rest, c));
}

/** Remainder of an index by a positive integer; the index must not be negative where it is used. */
export function mod(a: Index, c: number): Index {
  if (c === 1) return constant(0);
  const { rest } = divide(a, c);
  if (a.min < 0 || rest.min < 0) return atomIndex("mod", a, c);
  if (rest.max < c) return rest;
  const split = coarsen(rest, c);
  if (split) return add(scale(mod(split.coarse, c / split.g), split.g), split.fine);
  const [atom, k] = rest.terms[0];
  if (rest.terms.length === 1 && k === 1 && rest.offset === 0 && atom.kind === "mod" && atom.by % c === 0) {
    return mod(atom.of, c);
  }
  return atomIndex("mod", rest, c);
}

/** Row-major coordinates of a linear index in a shape. */
export function unravel(linear: Index, shape: readonly number[]): Index[] {
  let stride = shape.reduce((a, b) => a * b, 1);
  return shape.map((n) => {
    stride /= n;
    return mod(div(linear, stride), n);
  });
}

/** Row-major linear index of coordinates in a shape. */
export function ravel(
  coords: readonly Index[],
  shape: readonly number[],
): Index {
  let linear = constant(0);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    // An axis of length one is only ever read at zero
    if (shape[i] !== 1) linear = add(linear, scale(coords[i], stride));
    stride *= shape[i];
  }
  return linear;
}

/** The index as 4 * index + component with a known component, or null. */
export function multipleOfFour(a: Index): { index: Index; component: number } | null {
  if (a.terms.some(([, c]) => c % 4 !== 0)) return null;
  const { quotient, rest } = divide(a, 4);
  return { index: quotient, component: rest.offset };
}

/** What every value of an index is a multiple of, as far as its form tells. */
export function commonFactor(a: Index): number {
  return a.terms.reduce((c, [, k]) => gcd(c, k), a.offset);
}

/** WGSL u32 expression of an index; `name` gives that of a computed variable. */
export function wgsl(a: Index, name: (value: Expression) => string = () => ""): string {
  const parts = a.terms.map(([atom, c]) => {
    const text = atom.kind !== "variable"
      ? `(${wgsl(atom.of, name)} ${atom.kind === "div" ? "/" : "%"} ${atom.by}u)`
      : atom.value
      ? name(atom.value)
      : atom.key;
    return c === 1 ? text : `${text} * ${c < 0 ? c + 2 ** 32 : c}u`;
  });
  if (a.offset !== 0 || parts.length === 0) {
    parts.push(`${a.offset < 0 ? a.offset + 2 ** 32 : a.offset}u`);
  }
  return parts.length === 1 ? parts[0] : `(${parts.join(" + ")})`;
}
