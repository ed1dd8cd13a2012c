/** From a graph to an ordered list of kernels: groups nodes, fuses each core with the chain that follows it, lowers. */
import { byteLength, isHalf } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { NotFusable } from "./emission.ts";
import { group, isLeaf, operandsOf } from "./group.ts";
import { add, constant, scale, variable } from "./index_expression.ts";
import { lower, type LoweredKernel, type Target } from "./lower.ts";
import { partsOf } from "./parts.ts";

/** Kernels in the order in which they run. */
export function schedule(
  outputs: readonly Tensor[],
  target: Target,
): LoweredKernel[] {
  const force = new Set<Tensor>();
  const tooWide = (k: LoweredKernel) => k.kernel !== undefined && bindingCount(k, target) > target.maxBuffers;
  for (;;) {
    const { roots, readers } = group(outputs, force);
    const before = force.size;
    const fused = new Set<Tensor>();
    const stored = (t: Tensor) => isLeaf(t) || rootSet.has(t);
    const rootSet = new Set(roots);
    const kernels = roots.map((root) => {
      const { kind } = root.primitive;
      if (kind !== "inline") return lower(root, root, stored, target);
      const plain = lower(root, undefined, stored, target);
      const core = fusableCore(plain, readers, outputs, force);
      if (!core || fused.has(core)) return plain;
      try {
        const kernel = lower(
          root,
          core,
          (t) => t !== core && stored(t),
          target,
        );
        fused.add(core);
        return kernel;
      } catch (error) {
        if (error instanceof NotFusable) return plain;
        throw error;
      }
    });
    for (const kernel of kernels) if (tooWide(kernel)) storePart(kernel.root, stored, force, target);
    if (force.size === before) {
      return kernels.filter((k) => !fused.has(k.root));
    }
  }
}

/** Bindings of a kernel: one for each part of what it reads and writes. */
function bindingCount({ reads, root, inPlace }: LoweredKernel, target: Target): number {
  const { maxBindingBytes = Infinity, maxBufferBytes = Infinity } = target;
  return [...reads, ...(inPlace ? [] : [root])].reduce((n, t) => {
    const bytes = byteLength(t.dtype, t.size);
    // What no buffer can hold is refused where it is allocated
    return n + (bytes > maxBufferBytes ? 1 : partsOf(bytes, maxBindingBytes).length);
  }, 0);
}

/** The heaviest core that only this kernel reads, element for element. */
function fusableCore(
  kernel: LoweredKernel,
  readers: ReadonlyMap<Tensor, ReadonlySet<Tensor>>,
  outputs: readonly Tensor[],
  force: ReadonlySet<Tensor>,
): Tensor | undefined {
  const weight = { conv2d: 3, matmul: 2, reduce: 1, attention: 0, concat: 0, inline: 0, leaf: 0 };
  const { root } = kernel;
  const pair = scale(variable("i", Math.ceil(root.size / 2)), 2);
  const own = isHalf(root.dtype)
    ? new Set([pair.key, add(pair, constant(1)).key])
    : new Set([variable("i", root.size).key]);
  return kernel.reads
    .filter((t) =>
      !isLeaf(t) && weight[t.primitive.kind] > 0 &&
      t.size === kernel.root.size && !outputs.includes(t) && !force.has(t) &&
      readers.get(t)!.size === 1 &&
      [...kernel.positions.get(t)!].every((p) => own.has(p))
    )
    .sort((a, b) => weight[b.primitive.kind] - weight[a.primitive.kind])[0];
}

/** Makes a kernel with too many buffers smaller: stores its widest inlined parts. */
function storePart(
  root: Tensor,
  stored: (t: Tensor) => boolean,
  force: Set<Tensor>,
  target: Target,
): void {
  let level = [root];
  while (level.length > 0) {
    const parts = [...new Set(level.flatMap(operandsOf))].filter((t) => !stored(t) && t.inputs.length > 0);
    const wide = parts.filter((t) =>
      leafCount(t, stored) > target.maxBuffers / 4 &&
      !t.primitive.name.match(/expand/)
    );
    if (wide.length > 0) {
      for (const part of wide) force.add(part);
      return;
    }
    level = parts;
  }
  const { maxBuffers, maxBindingBytes = Infinity } = target;
  const limit = maxBindingBytes === Infinity ? "" : `, in bindings of at most ${maxBindingBytes} bytes`;
  throw new RangeError(
    `Cannot compute ${root} of ${byteLength(root.dtype, root.size)} bytes: it takes more buffers at once than the ` +
      `${maxBuffers} that the device allows${limit}`,
  );
}

function leafCount(
  tensor: Tensor,
  stored: (t: Tensor) => boolean,
  seen: Set<Tensor> = new Set(),
): number {
  if (seen.has(tensor)) return 0;
  seen.add(tensor);
  return stored(tensor) ? 1 : operandsOf(tensor).reduce((n, t) => n + leafCount(t, stored, seen), 0);
}
