/** Reverse-mode automatic differentiation on the graph. */
import { full } from "./ops/elementwise.ts";
import { currentMatmulPrecision, matmulPrecision } from "./matmul_precision.ts";
import { Tensor } from "./tensor.ts";
import { identity } from "./primitives/generate.ts";
import { sameShape, show } from "./shape.ts";
import { zeros } from "./creation.ts";

/** All nodes below `outputs` through which a gradient can reach `wrt`, readers first. */
function differentiablePath(
  outputs: readonly Tensor[],
  wrt: ReadonlySet<Tensor>,
): Tensor[] {
  const depends = new Map<Tensor, boolean>();
  const order: Tensor[] = [];
  const stack = outputs.map((t) => [t, 0] as [Tensor, number]);
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    const [node] = top;
    if (depends.has(node) && top[1] === 0) {
      stack.pop();
      continue;
    }
    const next = top[1] < node.inputs.length ? node.inputs[top[1]] : undefined;
    top[1]++;
    if (next !== undefined) {
      if (!depends.has(next)) stack.push([next, 0]);
      continue;
    }
    stack.pop();
    const reaches = wrt.has(node) ||
      (node.primitive.vjp !== undefined &&
        node.inputs.some((t) => depends.get(t)));
    depends.set(node, reaches);
    if (reaches) order.push(node);
  }
  return order.reverse();
}

/**
 * Vector-Jacobian product: the gradients with respect to `wrt` of sum(outputs[k] * cotangents[k]).
 *
 * @param outputs Tensors to differentiate.
 * @param cotangents One for each output, of its shape.
 * @param wrt Tensors on the way to the outputs; each gets a gradient of its shape, zero where it has no influence.
 */
export function vjp(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: readonly Tensor[],
): Tensor[] {
  const gradients = new Map<Tensor, Tensor>();
  const accumulate = (node: Tensor, g: Tensor) => {
    const sum = gradients.get(node);
    gradients.set(node, sum ? sum.add(g) : g);
  };
  outputs.forEach((out, k) => {
    if (!sameShape(out.shape, cotangents[k].shape)) {
      throw new RangeError(
        `Cannot differentiate output ${k} of shape ${show(out.shape)}: its cotangent has shape ${
          show(cotangents[k].shape)
        }`,
      );
    }
    accumulate(out, cotangents[k]);
  });
  const targets = new Set(wrt);
  const path = differentiablePath(outputs, targets);
  const onPath = new Set(path);
  for (const node of path) {
    const g = gradients.get(node);
    if (!g || !node.primitive.vjp) continue;
    if (!node.inputs.some((t) => onPath.has(t))) continue;
    const parts = node.primitive.vjp(g, node);
    node.inputs.forEach((input, i) => {
      const part = parts[i];
      if (part && onPath.has(input)) accumulate(input, part);
    });
  }
  return wrt.map((t) => gradients.get(t) ?? zeros(t.shape, t.dtype));
}

/**
 * Gradients of a scalar with respect to tensors that it was computed from; itself differentiable.
 *
 * @param loss A tensor of one element.
 * @param wrt Tensors on the way to the loss.
 * @returns One gradient for each, of its shape.
 * @throws {RangeError} If the loss has more than one element.
 *
 * @example
 * ```ts
 * import { grad, tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([1, 2, 3]);
 * const [g] = grad(x.square().sum(), [x]);
 * assertEquals([...await g.data()], [2, 4, 6]);
 * ```
 */
export function grad(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.size !== 1) {
    throw new RangeError(
      `Cannot take the gradient of shape ${show(loss.shape)}: expected one element`,
    );
  }
  return vjp([loss], [full(loss.shape, 1, loss.dtype)], wrt);
}

/** The same values with a derivative of its own: `rule` gives the gradients with respect to `inputs`. */
export function withVjp(
  value: Tensor,
  name: string,
  inputs: readonly Tensor[],
  rule: (g: Tensor, out: Tensor) => readonly (Tensor | null)[],
): Tensor {
  const primitive = identity(value, name, (g, out) => [null, ...rule(g, out)]);
  return new Tensor(primitive, [value, ...inputs], value.shape, value.dtype);
}

/** The same values, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  return new Tensor(identity(x, "stopGradient"), [x], x.shape, x.dtype);
}

/**
 * The same values, computed after others are: nothing that reads them runs before. It keeps parts of a graph that do not
 * depend on each other, such as micro-batches, from holding their memory at the same time.
 *
 * @param x What waits.
 * @param others What it waits for; no gradient flows to them.
 *
 * @example
 * ```ts
 * import { after, grad, tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([1, 2]);
 * const [g] = grad(after(x, x.exp()).square().sum(), [x]);
 * assertEquals([...await g.data()], [2, 4]);
 * ```
 */
export function after(x: Tensor, ...others: Tensor[]): Tensor {
  const rule = identity(x, "after", (g) => [g, ...others.map(() => null)]);
  return new Tensor(rule, [x, ...others], x.shape, x.dtype);
}

const recomputed = new WeakSet<Tensor>();

/** Whether a node computes again what `checkpoint` did not keep. */
export function isRecomputed(node: Tensor): boolean {
  return recomputed.has(node);
}

/**
 * Computes `fn(...inputs)` keeping none of its intermediates for the backward pass, which computes them again.
 * Gradients reach `inputs` only: pass every tensor that needs one. `explain` marks what is computed again.
 *
 * @param fn A function of tensors.
 * @param inputs Its arguments.
 */
export function checkpoint(
  fn: (...inputs: Tensor[]) => Tensor,
  ...inputs: Tensor[]
): Tensor {
  const out = fn(...inputs.map(stopGradient));
  const precision = currentMatmulPrecision();
  const recompute = (g: Tensor) => {
    // Reading nothing of g, but after it: else all blocks could be computed again before the first is needed
    const again = inputs.map((t) => new Tensor(identity(t, "recompute", (g) => [g, null]), [t, g], t.shape, t.dtype));
    const value = matmulPrecision(precision, () => fn(...again));
    for (const node of differentiablePath([value], new Set(again))) recomputed.add(node);
    return [null, ...vjp([value], [g], again)];
  };
  return new Tensor(
    identity(out, "checkpoint", recompute),
    [out, ...inputs],
    out.shape,
    out.dtype,
  );
}
