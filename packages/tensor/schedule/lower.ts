/** Turns a root of the grouping into one kernel: prologue, core, epilogue. */
import {
  type Arithmetic,
  conv2d,
  convKey,
  convLiesInFours,
  type ConvSpec,
  type ConvVariant,
  type ElementType,
  type Kernel,
  liesInFours,
  matmul,
  matmulKey,
  type MatmulSpec,
  type MatmulVariant,
  reduce,
  type StorageArray,
} from "@dipp/kernels";
import type { WasmKernel, WasmTarget } from "@dipp/kernels/wasm";
import { isHalf, scalarType } from "../dtype.ts";
import type { ConvPrimitive, MatmulPrimitive, ReducePrimitive } from "../primitive.ts";
import type { Tuning } from "../runtime/tuning.ts";
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { NotFusable } from "./emission.ts";
import { Body, declare, KernelScope, storeStatement } from "./emitter.ts";
import { lowerAttention } from "./lower_attention.ts";
import { emitBlock, reductionShape } from "./lower_reduce.ts";
import { lowerElementwise } from "./lower_elementwise.ts";
import { contiguousBase, matrixAddress } from "./group.ts";
import { lowerWasm } from "./wasm/lower_wasm.ts";
import { type WideCandidate, wideFactors } from "./wide_factors.ts";
import { add, commonFactor, constant, scale, unravel, variable, wgsl } from "./index_expression.ts";

/** One kernel of a schedule. */
export interface LoweredKernel {
  /** What runs; absent where `reads` are only copied, one after another. */
  readonly kernel?: Kernel | WasmKernel;
  /** Name for plans and errors. */
  readonly label: string;
  /** Tensors read, in binding order. */
  readonly reads: readonly Tensor[];
  /** Tensor written. */
  readonly root: Tensor;
  /** Reduction or contraction that the kernel is built around. */
  readonly core?: Tensor;
  /** What a contraction multiplies in, where that is not f32. */
  readonly arithmetic?: Arithmetic;
  /** Tensor among `reads` whose buffer is also written. */
  readonly inPlace?: Tensor;
  /** Symbolic positions at which each tensor is read; only "i" means element for element. */
  readonly positions: ReadonlyMap<Tensor, ReadonlySet<string>>;
}

/** What kernels are specialised to. */
export interface Target {
  /** Where kernels are WebAssembly and not WGSL, what the machine can do. */
  readonly wasm?: WasmTarget | undefined;
  /** Which variants to choose. */
  readonly kind: "software" | "gpu";
  /** Most buffers in one kernel. */
  readonly maxBuffers: number;
  /** Invocations in a subgroup, where there are subgroup operations and all subgroups are of that size. */
  readonly subgroup?: number | undefined;
  /** Whether there is arithmetic in f16. */
  readonly hasF16?: boolean | undefined;
  /** Bytes that one binding can show; buffers beyond it are bound in parts. */
  readonly maxBindingBytes?: number | undefined;
  /** Bytes that one buffer can have. */
  readonly maxBufferBytes?: number | undefined;
  /** Measured forms of kernels. */
  readonly tuning?: Tuning | undefined;
}

/** Lowers `root`, with `core` (its own node, or one that only it reads) computed in the same kernel. */
export function lower(
  root: Tensor,
  core: Tensor | undefined,
  stored: (t: Tensor) => boolean,
  target: Target,
  inPlace?: Tensor,
): LoweredKernel {
  if (root.primitive.kind === "concat") {
    const reads = root.inputs.map((input) => contiguousBase(input, stored)!);
    return { label: `pack ${show(root.shape)}`, reads, root, core: root, positions: new Map() };
  }
  let arithmetic: Arithmetic = "f32";
  const attributes = { ...(core && { core }), ...(inPlace && { inPlace }) };
  const label = () =>
    `${root.primitive.name}${core && core !== root ? `+${core.primitive.name}` : ""}${
      arithmetic === "f16" ? " in f16" : ""
    } ${show(root.shape)}`;
  if (target.wasm) {
    return { ...lowerWasm(root, core, stored, target.wasm, inPlace), label: label(), root, ...attributes };
  }
  const limit = target.maxBindingBytes ?? Infinity;
  const plain = core ? undefined : lowerElementwise(root, stored, limit, inPlace);
  let scope = plain?.scope ?? new KernelScope(limit);
  const build = (kernel: Kernel): LoweredKernel => ({
    kernel,
    label: label(),
    reads: [...scope.reads.keys()],
    root,
    ...attributes,
    ...(arithmetic === "f16" && { arithmetic }),
    positions: scope.positions,
  });
  const output = () => inPlace ? scope.reads.get(inPlace)! : "result";
  const declarations = () => [declare(scope, root, inPlace), scope.helpers()].join("\n");
  const i = variable("i", root.size);

  /** Statements that turn the core's value at `i` into the root's and store it. */
  const epilogue = (expression: string): string => {
    const body = new Body(scope, stored, { tensor: core!, expression, position: i.key });
    const result = body.root(root, unravel(i, root.shape));
    if (inPlace) scope.read(inPlace, i.key);
    return [...body.statements, storeStatement(scope, root, output(), "i", result)]
      .join("\n  ");
  };
  /** The epilogue as a function, for kernels that finish several elements in one invocation. */
  const epilogueFunction = (): string => {
    const body = epilogue("value");
    return `fn finish(i: u32, value: ${scalarType(core!.dtype)}) {\n  ${body}\n}`;
  };
  const store = (index: string, value: string) => `finish(${index}, ${value});`;
  const storePair = isHalf(root.dtype)
    ? (index: string, value: string, next: string) => `finish(${index}, ${value}, ${next});`
    : undefined;
  /** The same for two neighbours, which 16-bit results share a word with; rows of `length` must not split a word. */
  const pairFunction = (length: number): string => {
    if (length % 2 !== 0) throw new NotFusable();
    const word = variable("word", root.size / 2);
    const halves = ["value", "next"].map((expression, part) => {
      const position = add(scale(word, 2), constant(part));
      const body = new Body(scope, stored, { tensor: core!, expression, position: position.key });
      return { bits: body.rootBits(root, unravel(position, root.shape)), statements: body.statements };
    });
    const [low, high] = halves;
    const statements = [
      "let word = i / 2u;",
      ...low.statements,
      ...high.statements,
      scope.store(root, "result", "word", `(${low.bits} | (${high.bits} << 16u))`),
    ];
    return `fn finish(i: u32, value: f32, next: f32) {\n  ${statements.join("\n  ")}\n}`;
  };

  if (plain) return build(plain.kernel);
  if (storePair && (inPlace || core!.primitive.kind === "reduce")) throw new NotFusable();
  switch (core!.primitive.kind) {
    case "reduce":
      return build(lowerReduce(core!.primitive as ReducePrimitive));
    case "matmul":
      return build(lowerMatmul(core!.primitive as MatmulPrimitive));
    case "conv2d":
      return build(lowerConv(core!.primitive as ConvPrimitive));
    case "attention":
      return build(lowerAttention(core!, scope, stored, target, declarations));
    default:
      throw new TypeError(
        `Cannot lower ${core}: ${core!.primitive.kind} is not the core of a kernel`,
      );
  }

  function lowerReduce(primitive: ReducePrimitive): Kernel {
    const input = core!.inputs[0];
    const shape = reductionShape(primitive, input, target);
    const block = (scope: KernelScope) => emitBlock(primitive, input, shape, new Body(scope, stored));
    // The first pass finds out which buffers are read other than four in a row
    const probe = new KernelScope(limit, () => true);
    block(probe);
    scope = new KernelScope(limit, (t) => !probe.scattered.has(t) && !epilogueReads().has(t));
    const { statements, values } = block(scope);
    const finish = epilogueFunction();
    return reduce({
      outputs: root.size,
      length: shape.length,
      combine: primitive.combine,
      type: scalarType(input.dtype) as "f32" | "i32" | "u32",
      declarations: `${declarations()}\n${finish}`,
      statements: statements.join("\n    "),
      values,
      shared: shape.shared,
      store,
    });
  }

  /** What the epilogue reads, which it reads one by one. */
  function epilogueReads(): ReadonlyMap<Tensor, string> {
    const outer = scope;
    scope = new KernelScope(limit);
    epilogue("0");
    const { reads } = scope;
    scope = outer;
    return reads;
  }

  /** What the core multiplies its factors in, which the label will show. */
  function arithmeticOf(wanted: Arithmetic, factors: readonly { type: ElementType }[]): Arithmetic {
    if (wanted === "f32" || factors.some(({ type }) => type !== "f16")) return "f32";
    if (!target.hasF16) {
      throw new TypeError(
        `Cannot multiply ${core!.primitive.name} ${
          show(core!.shape)
        } in f16: the adapter lacks the feature shader-f16; ` +
          'expected matmulPrecision "f32" here',
      );
    }
    return arithmetic = "f16";
  }

  /** Begins the kernel with the factors that suit bound as vectors of four. */
  function bindWide(factors: readonly WideCandidate[], variant: MatmulVariant | ConvVariant | undefined): void {
    const others = epilogueReads();
    const wide = wideFactors(factors, target.kind, variant, (t) => t === inPlace || others.has(t));
    scope = new KernelScope(limit, (t) => wide.has(t));
  }

  /** The array that a factor lies in. */
  function operandOf(base: Tensor, position: string): StorageArray {
    const name = scope.read(base, position);
    const type = scope.isWide(base) ? "vec4" : elementType(base);
    return { name, type, word: (index) => scope.word(base, name, index) };
  }

  function lowerMatmul(primitive: MatmulPrimitive): Kernel {
    const [m, k] = core!.inputs[0].shape.slice(-2);
    const n = core!.shape[core!.ndim - 1];
    const sizes = { batch: core!.size / (m * n), m, n, k };
    const factors = core!.inputs.map((operand) => {
      const address = matrixAddress(operand, stored)!;
      const strides = {
        alignment: commonFactor(address.batch),
        rowStride: address.row,
        colStride: address.column,
      };
      const [rows, columns] = operand.shape.slice(-2);
      return { ...address, strides, inFours: liesInFours(strides, rows, columns) };
    });
    const [first, second] = factors.map(({ base, strides }) => ({ ...strides, type: elementType(base) }));
    const arithmetic = arithmeticOf(primitive.arithmetic, [first, second]);
    const key = matmulKey({ ...sizes, a: first, b: second, arithmetic });
    const variant = target.tuning?.get(key) as MatmulVariant | undefined;
    bindWide(factors, variant);
    const [a, b] = factors.map(({ base, batch, strides }) => {
      const base0 = (z: string) => wgsl(batch).replace(/\bz\b/g, z);
      return { ...strides, ...operandOf(base, "matrix"), base: base0 };
    });
    const finish = storePair ? pairFunction(n) : epilogueFunction();
    const spec: MatmulSpec = {
      ...sizes,
      a,
      b,
      arithmetic,
      declarations: `${declarations()}\n${finish}`,
      store,
      storePair,
      target: target.kind,
      subgroup: target.subgroup,
      variant,
    };
    return matmul(spec);
  }

  function lowerConv(primitive: ConvPrimitive): Kernel {
    const bases = core!.inputs.map((operand) => contiguousBase(operand, stored, true)!);
    const [one, other] = bases.map((base) => ({ type: elementType(base) }));
    const arithmetic = arithmeticOf(primitive.arithmetic, [one, other]);
    const key = convKey({ ...primitive, operands: { first: one, second: other }, arithmetic });
    const variant = target.tuning?.get(key) as ConvVariant | undefined;
    const inFours = convLiesInFours(primitive);
    bindWide(bases.map((base, i) => ({ base, inFours: inFours[i] })), variant);
    const [first, second] = bases.map((base) => operandOf(base, "window"));
    const finish = storePair ? pairFunction(core!.shape[3]) : epilogueFunction();
    const spec: ConvSpec = {
      pass: primitive.pass,
      geometry: primitive.geometry,
      operands: { first, second },
      arithmetic,
      declarations: `${declarations()}\n${finish}`,
      store,
      storePair,
      target: target.kind,
      subgroup: target.subgroup,
      variant,
    };
    return conv2d(spec);
  }
}

/** How a contraction finds the elements of a tensor in its buffer. */
function elementType(tensor: Tensor): ElementType {
  return tensor.dtype === "f16" || tensor.dtype === "bf16" ? tensor.dtype : "f32";
}
