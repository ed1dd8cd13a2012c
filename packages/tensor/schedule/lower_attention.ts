/** Turns one pass of an attention into its kernel: operands read through their views, results by head. */
import { attentionForward, attentionKeyGrad, attentionQueryGrad, type Kernel, type MatrixView } from "@dipp/kernels";
import type { AttentionPrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";
import type { KernelScope } from "./emitter.ts";
import { contiguousBase, matrixAddress } from "./group.ts";
import { wgsl } from "./index_expression.ts";
import type { Target } from "./lower.ts";

/** Lowers `node`; `declarations` writes the bindings of what `scope` has recorded as read. */
export function lowerAttention(
  node: Tensor,
  scope: KernelScope,
  stored: (t: Tensor) => boolean,
  target: Target,
  declarations: () => string,
): Kernel {
  const { pass, masked, causal, scale } = node.primitive as AttentionPrimitive;
  const view = (tensor: Tensor): MatrixView => {
    const address = matrixAddress(tensor, stored, false)!;
    const base = (z: string) => wgsl(address.batch).replace(/\bz\b/g, z);
    return { name: scope.read(address.base, "matrix"), base, rowStride: address.row, colStride: address.column };
  };
  const [q, k, v] = node.inputs;
  const [batch, heads, rows, width] = q.shape;
  const keys = k.shape[2];
  const valueWidth = v.shape[3];
  const mask = masked ? node.inputs[node.inputs.length - 1] : undefined;

  /** Matrices of `columns` columns by head, as [batch, length, heads, columns] from element `start` on. */
  const byHead = (start: number, length: number, columns: number): MatrixView => ({
    name: "result",
    base: (z) => `${start}u + (${z} / ${heads}u * ${length * heads}u + ${z} % ${heads}u) * ${columns}u`,
    rowStride: heads * columns,
    colStride: 1,
  });
  /** The forward pass's two numbers for each row, behind its result. */
  const stats = (name: string): MatrixView => ({
    name,
    base: (z) => `${batch * heads * rows * valueWidth}u + ${z} * ${2 * rows}u`,
    rowStride: 2,
    colStride: 1,
  });
  const common = {
    batch: batch * heads,
    rows,
    keys,
    width,
    valueWidth,
    q: view(q),
    k: view(k),
    v: view(v),
    mask: mask && { ...view(mask), bool: mask.dtype === "bool" },
    causal,
    scale,
    target: target.kind,
    subgroup: target.subgroup,
  };
  if (pass === "forward") {
    const output = byHead(0, rows, valueWidth);
    return attentionForward({ ...common, output, stats: stats("result"), declarations: declarations() });
  }
  const [gradient, forward, delta] = node.inputs.slice(3);
  const backward = {
    ...common,
    gradient: view(gradient),
    stats: stats(scope.read(contiguousBase(forward, stored)!, "matrix")),
    delta: {
      name: scope.read(contiguousBase(delta, stored)!, "matrix"),
      base: (z: string) => `${z} * ${rows}u`,
      rowStride: 1,
      colStride: 0,
    },
    declarations: declarations(),
  };
  if (pass === "queryGrad") return attentionQueryGrad({ ...backward, queryGradient: byHead(0, rows, width) });
  return attentionKeyGrad({
    ...backward,
    keyGradient: byHead(0, keys, width),
    valueGradient: byHead(batch * heads * keys * width, keys, valueWidth),
  });
}
