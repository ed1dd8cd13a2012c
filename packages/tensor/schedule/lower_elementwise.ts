/** Kernels that have no core: every element is a formula of what lies in buffers. */
import { elementwise, type Kernel } from "@dipp/kernels";
import { isHalf, storageType } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { Body, declare, KernelScope, storedForm, storeStatement } from "./emitter.ts";
import { add, constant, scale, unravel, variable } from "./index_expression.ts";

/** A kernel with the scope that tells what it reads and where. */
export interface ElementwiseLowering {
  readonly kernel: Kernel;
  readonly scope: KernelScope;
}

/** Elements from which wide accesses earn back the time that the driver takes to compile them. */
export const WORTH_WIDTH = 4096;

/** Lowers `root` element by element, in vectors of four where its size allows; `limit` is that of one binding. */
export function lowerElementwise(
  root: Tensor,
  stored: (t: Tensor) => boolean,
  limit: number,
  inPlace?: Tensor,
): ElementwiseLowering {
  if (isHalf(root.dtype)) return lowerPairs(root, stored, limit);
  const scope = new KernelScope(limit);
  const body = new Body(scope, stored);
  const i = variable("i", root.size);
  const result = body.root(root, unravel(i, root.shape));
  if (inPlace) scope.read(inPlace, i.key);
  const wide = root.size % 4 === 0 && root.size >= WORTH_WIDTH ? lowerWide(root, stored, limit, inPlace) : null;
  if (wide) return { kernel: wide, scope };
  const store = storeStatement(scope, root, inPlace ? scope.reads.get(inPlace)! : "result", "i", result);
  return { kernel: module(scope, root, root.size, [...body.statements, store], inPlace), scope };
}

function module(
  scope: KernelScope,
  root: Tensor,
  size: number,
  statements: string[],
  inPlace?: Tensor,
  wide = false,
): Kernel {
  return elementwise({
    size,
    declarations: [declare(scope, root, inPlace, wide), scope.helpers()].join("\n"),
    body: statements.join("\n  "),
  });
}

/** Four neighbouring elements an invocation, which reads and writes neighbours with one access. */
function lowerWide(root: Tensor, stored: (t: Tensor) => boolean, limit: number, inPlace?: Tensor): Kernel | null {
  const first = scale(variable("i", root.size / 4), 4);
  const emit = (scope: KernelScope): string[] => {
    const body = new Body(scope, stored);
    const values = [0, 1, 2, 3].map((u) =>
      storedForm(root, body.root(root, unravel(add(first, constant(u)), root.shape)))
    );
    const output = inPlace ? scope.read(inPlace, "") : "result";
    const vector = `vec4<${storageType(root.dtype)}>(${values.join(", ")})`;
    return [...body.statements, scope.store(inPlace ?? root, output, "i", vector)];
  };
  // The first pass finds out which buffers are read other than four in a row
  const probe = new KernelScope(limit, () => true);
  emit(probe);
  if (inPlace && probe.scattered.has(inPlace)) return null;
  const scope = new KernelScope(limit, (t) => !probe.scattered.has(t));
  const statements = emit(scope);
  return module(scope, root, root.size / 4, statements, inPlace, true);
}

/** 16-bit outputs: two elements share a word, so one invocation writes both. */
function lowerPairs(root: Tensor, stored: (t: Tensor) => boolean, limit: number): ElementwiseLowering {
  const scope = new KernelScope(limit);
  const body = new Body(scope, stored);
  const size = Math.ceil(root.size / 2);
  const [low, high] = [0, 1].map((o) =>
    body.rootBits(root, unravel(add(scale(variable("i", size), 2), constant(o)), root.shape))
  );
  const word = `(${low} | (${high} << 16u))`;
  return { kernel: module(scope, root, size, [...body.statements, scope.store(root, "result", "i", word)]), scope };
}
