/** Turns a root of the grouping into one WebAssembly kernel. */
import { control, i32, WasmFunction, type WasmKernel, type WasmTarget } from "@dipp/kernels/wasm";
import type { Tensor } from "../../tensor.ts";
import { planAttention, planConv, planMatmul } from "./contraction.ts";
import { planRange } from "./range.ts";
import { planReduction } from "./reduce.ts";
import { WasmScope } from "./scope.ts";

/** A kernel, what it reads and where. */
export interface WasmLowering {
  /** The kernel. */
  readonly kernel: WasmKernel;
  /** Tensors read, in binding order. */
  readonly reads: readonly Tensor[];
  /** Symbolic positions at which each is read. */
  readonly positions: ReadonlyMap<Tensor, ReadonlySet<string>>;
}

/** Elements of one task of an elementwise kernel, at least. */
const GRAIN = 1 << 13;

/** Lowers `root`, with `core` (its own node, or one that only it reads) computed in the same kernel. */
export function lowerWasm(
  root: Tensor,
  core: Tensor | undefined,
  stored: (t: Tensor) => boolean,
  target: WasmTarget,
  inPlace?: Tensor,
): WasmLowering {
  const scope = new WasmScope(inPlace);
  const range = { root, core, stored, scope, inPlace, target };
  const spec = () => {
    // What is neither changed nor converted is written where it belongs at once
    const isPlain = root === core && root.dtype === "f32" && !inPlace && core.primitive.kind !== "reduce";
    return { node: core!, stored, scope, target, finish: isPlain ? undefined : planRange(range) };
  };
  const lowered = (key: string, write: () => Omit<WasmKernel, "key">): WasmLowering => ({
    kernel: new LazyKernel(key, write),
    reads: [...scope.reads.keys()],
    positions: scope.positions,
  });
  switch (core?.primitive.kind) {
    case undefined: {
      const { key, write } = planRange(range);
      return lowered(`elementwise:${key}`, () => elementwise(root, write(), target));
    }
    case "reduce": {
      const { finish, ...rest } = spec();
      const { key, write } = planReduction({ ...rest, finish: finish! });
      return lowered(key, write);
    }
    case "matmul": {
      const { key, write } = planMatmul(spec());
      return lowered(key, write);
    }
    case "conv2d": {
      const { key, write } = planConv(spec());
      return lowered(key, write);
    }
    case "attention": {
      const { key, write } = planAttention(spec());
      return lowered(key, write);
    }
    default:
      throw new TypeError(`Cannot lower ${core}: ${core!.primitive.kind} is not the core of a kernel`);
  }
}

/** A kernel that is written when somebody asks for its code: most kernels of a step were written for others before. */
class LazyKernel implements WasmKernel {
  readonly key: string;
  readonly #write: () => Omit<WasmKernel, "key">;
  #written: Omit<WasmKernel, "key"> | undefined;

  constructor(key: string, write: () => Omit<WasmKernel, "key">) {
    this.key = key;
    this.#write = write;
  }

  get phases(): WasmKernel["phases"] {
    return this.#code.phases;
  }

  get scratchBytes(): number {
    return this.#code.scratchBytes;
  }

  get sharedBytes(): number {
    return this.#code.sharedBytes;
  }

  get #code(): Omit<WasmKernel, "key"> {
    return this.#written ??= this.#write();
  }
}

function elementwise(root: Tensor, range: WasmFunction, { threads }: WasmTarget): Omit<WasmKernel, "key"> {
  const tasks = Math.max(1, Math.min(4 * threads, Math.floor(root.size / GRAIN)));
  const each = Math.ceil(root.size / tasks / 16) * 16;
  const entry = new WasmFunction("elementwise");
  const [task, buffers] = [0, 1, 2, 3].map(() => entry.parameter("i32"));
  const [first, left] = entry.locals("i32", 2);
  entry.body = [
    first.set(i32.mul(task.get, i32.const(each))),
    left.set(i32.sub(i32.const(root.size), first.get)),
    control.call(
      range,
      first.get,
      control.select(i32.ltS(left.get, i32.const(each)), left.get, i32.const(each)),
      i32.const(0),
      buffers.get,
    ),
  ];
  return { phases: [{ entry, tasks: Math.ceil(root.size / each) }], scratchBytes: 0, sharedBytes: 0 };
}
