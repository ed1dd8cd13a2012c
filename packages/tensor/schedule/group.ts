/**
 * Decides which nodes get a kernel and a buffer of their own. All others are recomputed inside the kernels that read
 * them. A node is stored when it is asked for, when it is the core of a kernel (a reduction, a contraction), or when
 * several kernels would recompute something that costs more than reading it back.
 */
import { isHalf } from "../dtype.ts";
import type { InlinePrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";
import { Emission } from "./emission.ts";
import type { Expression } from "./expression.ts";
import { affine, type Index, ravel, unravel, variable } from "./index_expression.ts";

/** Nodes that get buffers, in an order in which they can be computed. */
export interface Grouping {
  readonly roots: readonly Tensor[];
  /** For each node, the roots whose kernels read it. */
  readonly readers: ReadonlyMap<Tensor, ReadonlySet<Tensor>>;
}

/** Cost above which a node read by several kernels is stored. */
const RECOMPUTE = 3;

/** Whether the elements exist already. */
export function isLeaf(tensor: Tensor): boolean {
  return tensor.storage !== undefined || tensor.primitive.kind === "leaf";
}

/** The inputs whose elements a node reads. */
export function operandsOf({ primitive, inputs }: Tensor): readonly Tensor[] {
  const count = primitive.kind === "inline" ? primitive.operands : undefined;
  return count === undefined ? inputs : inputs.slice(0, count);
}

/** Nodes below `outputs` that are still to be computed, inputs before their readers. Those without elements are not. */
export function topologicalOrder(outputs: readonly Tensor[]): Tensor[] {
  const isDone = (t: Tensor) => isLeaf(t) || t.size === 0;
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  const stack: [Tensor, number][] = [];
  for (const output of outputs) {
    if (seen.has(output) || isDone(output)) continue;
    seen.add(output);
    stack.push([output, 0]);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const next = top[0].inputs[top[1]++];
      if (next === undefined) {
        order.push(top[0]);
        stack.pop();
      } else if (!seen.has(next) && !isDone(next)) {
        seen.add(next);
        stack.push([next, 0]);
      }
    }
  }
  return order;
}

/** Whether a tensor shows another of 16 bits as f32: a contraction reads that one and converts in registers. */
function isWidened(tensor: Tensor): boolean {
  return tensor.primitive.name === "cast" && tensor.dtype === "f32" && tensor.inputs.length === 1 &&
    isHalf(tensor.inputs[0].dtype);
}

/** Elements of a tensor, at coordinates. */
interface Place {
  readonly base: Tensor;
  readonly coords: readonly Index[];
}

/** Asks a view where the element that it shows lies. */
class ViewReader extends Emission {
  #read: Place | undefined;

  behind(view: InlinePrimitive, node: Tensor, coords: readonly Index[]): Place {
    view.emit(this, node, coords);
    return this.#read!;
  }

  override value(base: Tensor, coords: readonly Index[]): Expression {
    this.#read = { base, coords };
    return this.literal(0, "f32");
  }
}

const VIEWS = new ViewReader(() => true);

/** Follows views, and conversions from 16 bits where `widened`, from a tensor to what they show, and where in it. */
export function resolveViews(
  tensor: Tensor,
  coords: readonly Index[],
  stored: (t: Tensor) => boolean,
  widened = false,
): Place {
  let at: Place = { base: tensor, coords };
  for (;;) {
    const { base } = at;
    if (widened && !stored(base) && isWidened(base)) {
      at = { base: base.inputs[0], coords: at.coords };
      continue;
    }
    if (
      stored(base) || base.primitive.kind !== "inline" ||
      !base.primitive.view || base.inputs.length === 0
    ) return at;
    at = VIEWS.behind(base.primitive, base, at.coords);
  }
}

/**
 * An operand's address as base(batch) + row * rowStride + column * columnStride (of what is converted from 16 bits, where
 * `widened`), or null where it is not of this form.
 */
export function matrixAddress(
  operand: Tensor,
  stored: (t: Tensor) => boolean,
  widened = true,
): { base: Tensor; batch: Index; row: number; column: number } | null {
  const [rows, columns] = operand.shape.slice(-2);
  const batchShape = operand.shape.slice(0, -2);
  const batch = unravel(
    variable("z", batchShape.reduce((a, b) => a * b, 1)),
    batchShape,
  );
  const { base, coords } = resolveViews(
    operand,
    [
      ...batch,
      variable("row", rows),
      variable("col", columns),
    ],
    stored,
    widened,
  );
  if (!stored(base)) return null;
  const address = ravel(coords, base.shape);
  const stride = (name: string) => address.terms.find(([a]) => a.key === name)?.[1] ?? 0;
  const rest = address.terms.filter(([a]) => a.key !== "row" && a.key !== "col");
  if (rest.some(([a]) => /\b(row|col)\b/.test(a.key)) || address.min < 0) {
    return null;
  }
  const [row, column] = [stride("row"), stride("col")];
  // Addresses are unsigned: a flipped axis is stored first
  if (row < 0 || column < 0) return null;
  return { base, batch: affine(rest, address.offset), row, column };
}

/** The stored tensor that an operand shows element for element (as f32, where `widened`), or null. */
export function contiguousBase(
  operand: Tensor,
  stored: (t: Tensor) => boolean,
  widened = false,
): Tensor | null {
  const i = variable("i", operand.size);
  const { base, coords } = resolveViews(
    operand,
    unravel(i, operand.shape),
    stored,
    widened,
  );
  return stored(base) && ravel(coords, base.shape).key === i.key &&
      base.size === operand.size
    ? base
    : null;
}

/**
 * What computing one element takes where it is read. Of the nodes in `rough`, those that are stored for certain, or
 * still cost too much to compute again, are read back for nothing.
 */
function inlineCosts(
  order: readonly Tensor[],
  rough: ReadonlySet<Tensor>,
  isCertain: (t: Tensor) => boolean,
): Map<Tensor, number> {
  const costs = new Map<Tensor, number>();
  for (const node of order) {
    const { primitive } = node;
    if (primitive.kind !== "inline") {
      costs.set(node, 0);
      continue;
    }
    let cost = primitive.cost;
    for (const t of operandsOf(node)) {
      const below = costs.get(t) ?? 0;
      if (!rough.has(t) || !isCertain(t) && below <= RECOMPUTE) cost += below;
    }
    costs.set(node, Math.min(1e6, cost));
  }
  return costs;
}

/** What was followed to find out what an operand shows: still true while none of that is stored. */
interface Followed {
  readonly target: Tensor;
  readonly path: readonly Tensor[];
}

/** Marks what the kernels of contractions can not read in place. */
function storeOperands(node: Tensor, force: Set<Tensor>, known: Map<Tensor, readonly Followed[]>): void {
  const { kind } = node.primitive;
  if (kind !== "matmul" && kind !== "conv2d" && kind !== "attention" && kind !== "concat") return;
  const widens = kind === "matmul" || kind === "conv2d";
  const before = known.get(node);
  const followed = node.inputs.map((operand, i): Followed => {
    const old = before?.[i];
    if (old && !old.path.some((t) => force.has(t))) return old;
    // What the views show gets stored whatever it is, so ask as if it already were
    const shown = (t: Tensor) =>
      isLeaf(t) || force.has(t) || t.primitive.kind !== "inline" ||
      !(t.primitive.view || widens && isWidened(t)) || t.inputs.length === 0;
    const shows = (stored: (t: Tensor) => boolean) =>
      kind === "matmul" || kind === "attention" && operand.ndim === 4
        ? matrixAddress(operand, stored, widens)?.base
        : contiguousBase(operand, stored, widens) ?? undefined;
    const views: Tensor[] = [];
    for (let t = operand; !shown(t); t = t.inputs[0]) views.push(t);
    let target = shows(shown);
    if (!target || target.primitive.kind === "inline" && target.inputs.length === 0) {
      // The lowest of the views that will do: others show it too
      target = views.findLast((view) => shows((t) => t === view || shown(t)) === view) ?? operand;
    }
    return { target, path: views.filter((t) => t !== target) };
  });
  for (const { target } of followed) if (!isLeaf(target)) force.add(target);
  known.set(node, followed);
}

/** What a view shows all elements of, the view being no reason to copy it. */
function behindViews(tensor: Tensor): Tensor {
  let at = tensor;
  while (at.primitive.kind === "inline" && at.primitive.view && at.inputs[0]?.size === at.size) at = at.inputs[0];
  return at;
}

/** Groups the graph below `outputs`; `force` names nodes that must be stored, and grows. */
export function group(
  outputs: readonly Tensor[],
  force: Set<Tensor>,
): Grouping {
  const order = topologicalOrder(outputs);
  const asked = new Set(outputs);
  // First as if nothing were stored; then costs end at what roughly is
  const known = new Map<Tensor, readonly Followed[]>();
  const rough = place(order, asked, inlineCosts(order, new Set(), () => false), new Set(force), known);
  const isCertain = (t: Tensor) => asked.has(t) || force.has(t);
  const costs = inlineCosts(order, new Set(rough.roots), isCertain);
  for (;;) {
    const before = force.size;
    const grouping = place(order, asked, costs, force, known);
    if (force.size === before) return grouping;
  }
}

function place(
  order: readonly Tensor[],
  asked: ReadonlySet<Tensor>,
  costs: ReadonlyMap<Tensor, number>,
  force: Set<Tensor>,
  known: Map<Tensor, readonly Followed[]>,
): Grouping {
  const readers = new Map<Tensor, Set<Tensor>>();
  const roots = new Set<Tensor>();
  for (const node of order.toReversed()) {
    const { primitive } = node;
    const above = readers.get(node) ?? new Set();
    const costly = above.size > 1 &&
      // What widens another is cheap where that is stored, in half the bytes; contractions read through it
      !(primitive.kind === "inline" && primitive.view) && !isWidened(node) &&
      costs.get(node)! > RECOMPUTE;
    const isRoot = asked.has(node) || force.has(node) ||
      primitive.kind !== "inline" || costly;
    if (isRoot) roots.add(node);
    storeOperands(node, force, known);
    for (const input of operandsOf(node)) {
      // An expanded value would be recomputed for each of its copies
      if (primitive.name === "expand" && (costs.get(input) ?? 0) > RECOMPUTE && node.size >= 4 * input.size) {
        const shown = behindViews(input);
        if (!isLeaf(shown) && shown.primitive.kind === "inline") force.add(shown);
      }
      if (!readers.has(input)) readers.set(input, new Set());
      for (const root of isRoot ? [node] : above) readers.get(input)!.add(root);
    }
  }
  return { roots: order.filter((node) => roots.has(node)), readers };
}
