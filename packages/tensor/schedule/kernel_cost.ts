/** What one kernel computes and moves, counted on the graph. */
import { byteLength } from "../dtype.ts";
import type { Primitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";
import { operandsOf } from "./group.ts";
import type { LoweredKernel } from "./lower.ts";

/** Counts of one kernel. */
export interface KernelCost {
  /** Nodes computed inside the kernel, inputs before their readers; those that move nothing and compute nothing too. */
  readonly nodes: readonly Tensor[];
  /** Floating-point operations: two for each multiply-add, one for each elementwise operation or combined element. */
  readonly flops: number;
  /** Bytes read of each tensor: the part that is seen through views, once. */
  readonly bytesRead: ReadonlyMap<Tensor, number>;
  /** Bytes written. */
  readonly bytesWritten: number;
}

/** Counts what a kernel does; `stored` tells which tensors lie in buffers. */
export function kernelCost(kernel: LoweredKernel, stored: (t: Tensor) => boolean): KernelCost {
  const { root, core } = kernel;
  const nodes = nodesFrom([root], (t) => t !== root && t !== core && stored(t));
  const prologue = new Set(core?.primitive.kind === "reduce" ? nodesFrom(core.inputs, stored) : []);
  let flops = core ? coreFlops(core) : 0;
  for (const node of nodes) {
    if (node !== core && isArithmetic(node.primitive)) {
      flops += prologue.has(node) ? core!.inputs[0].size : root.size;
    }
  }
  return { nodes, flops, bytesRead: bytesRead(kernel, nodes), bytesWritten: byteLength(root.dtype, root.size) };
}

/** Operations of a reduction or contraction itself, without what is fused into it. */
export function coreFlops(core: Tensor): number {
  const { primitive, inputs } = core;
  switch (primitive.kind) {
    case "reduce":
      return inputs[0].size;
    case "matmul":
      return 2 * core.size * inputs[0].shape[inputs[0].ndim - 1];
    case "conv2d": {
      // All three passes pair every output element with every weight of its window
      const { output, weight } = primitive.geometry;
      return 2 * output.reduce((a, b) => a * b, 1) * weight.slice(1).reduce((a, b) => a * b, 1);
    }
    case "attention": {
      const [q, , v] = inputs;
      const [width, valueWidth] = [q.shape[3], v.shape[3]];
      const perScore = {
        forward: width + valueWidth,
        queryGrad: 2 * width + valueWidth,
        keyGrad: 2 * (width + valueWidth),
      };
      return 2 * (q.size / width) * v.shape[2] * perScore[primitive.pass];
    }
    default:
      return 0;
  }
}

function isArithmetic(primitive: Primitive): boolean {
  return primitive.kind === "inline" && primitive.cost >= 1 && !["pad", "gather"].includes(primitive.name);
}

/** Everything at and below `tops` down to what is stored, inputs before their readers. */
function nodesFrom(tops: readonly Tensor[], stored: (t: Tensor) => boolean): Tensor[] {
  const seen = new Set<Tensor>();
  const order: Tensor[] = [];
  const stack: [Tensor, number][] = [];
  const visit = (t: Tensor) => {
    if (seen.has(t) || stored(t)) return;
    seen.add(t);
    stack.push([t, 0]);
  };
  for (const start of tops) {
    visit(start);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const next = operandsOf(top[0])[top[1]++];
      if (next !== undefined) visit(next);
      else order.push(stack.pop()![0]);
    }
  }
  return order;
}

/** A view shows part of its input, so of each node no more elements are read than its readers have together. */
function bytesRead({ root, reads }: LoweredKernel, nodes: readonly Tensor[]): Map<Tensor, number> {
  const seen = new Map<Tensor, number>([[root, root.size]]);
  for (const node of nodes.toReversed()) {
    const isView = node.primitive.kind === "inline";
    for (const input of new Set(operandsOf(node))) {
      const part = isView ? seen.get(node)! : input.size;
      seen.set(input, Math.min(input.size, (seen.get(input) ?? 0) + part));
    }
  }
  return new Map(reads.map((t) => [t, byteLength(t.dtype, seen.get(t) ?? 0)]));
}
