/** The leaves of a graph and what they hold. */
import { decode } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";

/** All nodes at and below some. */
export function nodesBelow(tops: readonly Tensor[]): Tensor[] {
  const seen = new Set(tops);
  for (const node of seen) node.inputs.forEach((t) => seen.add(t));
  return [...seen];
}

/** The elements of a leaf that was not uploaded yet, rounded to its dtype. */
function hostValues({ storage, dtype, size }: Tensor): ArrayLike<number> {
  const { buffer, byteOffset, byteLength } = storage!.host!;
  return decode(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer, dtype, size);
}

/** The elements of all leaves below some tensors, none of them uploaded yet. */
export function leafValues(nodes: readonly Tensor[]): Map<Tensor, ArrayLike<number>> {
  return new Map(nodes.flatMap((t) => t.storage ? [[t, hostValues(t)] as const] : []));
}
