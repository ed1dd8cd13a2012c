/** Writes fused WGSL: follows the graph from a kernel's root down to the buffers that it reads. */
import { byteLength, isHalf, storageType, wgslType } from "../dtype.ts";
import type { Emitter } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";
import { type Index, multipleOfFour, ravel, wgsl } from "./index_expression.ts";
import { partBytes, partName, partsOf, readFunction, writeFunction } from "./parts.ts";

/** The buffers, helper functions and numbering that all parts of one kernel share. */
export class KernelScope {
  /** Tensors whose buffers the kernel reads, in binding order. */
  readonly reads: Map<Tensor, string> = new Map();
  /** Symbolic positions at which each of them is read. */
  readonly positions: Map<Tensor, Set<string>> = new Map();
  /** Tensors read at positions that are not four in a row, which rules out loads of four. */
  readonly scattered: Set<Tensor> = new Set();
  readonly #wide: (tensor: Tensor) => boolean;
  readonly #helpers = new Set<string>();
  readonly #ids = new Map<Tensor, number>();
  #names = 0;

  /** Bytes that the device can bind at once. */
  readonly limit: number;

  /** `wide` tells which tensors are loaded four elements at a time. */
  constructor(limit: number, wide: (tensor: Tensor) => boolean = () => false) {
    this.limit = limit;
    this.#wide = wide;
  }

  /** Bindings that a tensor takes. */
  parts(tensor: Tensor): number {
    return partsOf(byteLength(tensor.dtype, tensor.size), this.limit).length;
  }

  /** Expression of a word of a tensor's buffer; `name` is that of its binding. */
  word(tensor: Tensor, name: string, index: string): string {
    return this.parts(tensor) > 1 ? `${name}_at(${index})` : `${name}[${index}]`;
  }

  /** Statement that writes a word of the kernel's output. */
  store(output: Tensor, name: string, index: string, word: string): string {
    return this.parts(output) > 1 ? `${name}_put(${index}, ${word});` : `${name}[${index}] = ${word};`;
  }

  /** Whether a tensor is bound as an array of vectors of four. */
  isWide(tensor: Tensor): boolean {
    return this.#wide(tensor) && !isHalf(tensor.dtype) && !this.scattered.has(tensor);
  }
  /** Records a read and gives the binding's name. */
  read(tensor: Tensor, position: string): string {
    if (!this.reads.has(tensor)) this.reads.set(tensor, `in${this.reads.size}`);
    if (!this.positions.has(tensor)) this.positions.set(tensor, new Set());
    this.positions.get(tensor)!.add(position);
    return this.reads.get(tensor)!;
  }
  /** Adds a function to the module. */
  helper(source: string): void {
    this.#helpers.add(source);
  }
  /** All functions added so far. */
  helpers(): string {
    return [...this.#helpers].join("\n");
  }
  /** Number that stands for a tensor within this kernel. */
  id(tensor: Tensor): number {
    if (!this.#ids.has(tensor)) this.#ids.set(tensor, this.#ids.size);
    return this.#ids.get(tensor)!;
  }
  /** A fresh name. */
  name(): string {
    return `v${this.#names++}`;
  }
}

/** The value that a kernel's core has computed, standing in for the core where the epilogue reads it. */
export interface CoreValue {
  readonly tensor: Tensor;
  readonly expression: string;
  /** Key of the linear index at which the expression is valid. */
  readonly position: string;
}

/** Raised when an epilogue reads its core anywhere but at the element just computed. */
export class NotFusable extends Error {}

/** One straight piece of WGSL: a kernel body, a loop body or an epilogue. */
export class Body implements Emitter {
  /** Statements in order. */
  readonly statements: string[] = [];
  readonly #values = new Map<string, string>();
  readonly #bound = new Map<string, string>();
  readonly #scope: KernelScope;
  readonly #stored: (tensor: Tensor) => boolean;
  readonly #core: CoreValue | undefined;

  /** `stored` tells which tensors lie in buffers. */
  constructor(
    scope: KernelScope,
    stored: (tensor: Tensor) => boolean,
    core?: CoreValue,
  ) {
    this.#scope = scope;
    this.#stored = stored;
    this.#core = core;
  }

  helper(source: string): void {
    this.#scope.helper(source);
  }

  bind(expression: string, type: string): string {
    const known = this.#bound.get(expression);
    if (known) return known;
    const name = this.#scope.name();
    this.statements.push(`let ${name}: ${type} = ${expression};`);
    this.#bound.set(expression, name);
    return name;
  }

  #bindWide(name: string, at: string, tensor: Tensor): string {
    return this.bind(this.#scope.word(tensor, name, at), `vec4<${storageType(tensor.dtype)}>`);
  }

  value(tensor: Tensor, coords: readonly Index[]): string {
    if (tensor === this.#core?.tensor) {
      if (ravel(coords, tensor.shape).key !== this.#core.position) {
        throw new NotFusable();
      }
      return this.#core.expression;
    }
    return this.#value(tensor, coords, false);
  }

  /** Value of a kernel's own root, which is computed even though it will lie in a buffer. */
  root(tensor: Tensor, coords: readonly Index[]): string {
    return tensor === this.#core?.tensor ? this.value(tensor, coords) : this.#value(tensor, coords, true);
  }

  #value(tensor: Tensor, coords: readonly Index[], root: boolean): string {
    const { primitive } = tensor;
    if (!root && this.#stored(tensor)) {
      return this.#load(tensor, ravel(coords, tensor.shape));
    }
    if (primitive.kind !== "inline") throw new NotFusable();
    const key = `${this.#scope.id(tensor)}@${coords.map((c) => c.key)}`;
    const known = this.#values.get(key);
    if (known) return known;
    const expression = primitive.emit(this, tensor, coords);
    const value = primitive.view ? expression : this.bind(expression, wgslType(tensor.dtype));
    this.#values.set(key, value);
    return value;
  }

  #load(tensor: Tensor, position: Index): string {
    const name = this.#scope.read(tensor, position.key);
    const quarter = multipleOfFour(position);
    if (!quarter) this.#scope.scattered.add(tensor);
    else if (this.#scope.isWide(tensor)) {
      const vector = this.#bindWide(name, wgsl(quarter.index), tensor);
      const element = `${vector}.${"xyzw"[quarter.component]}`;
      return tensor.dtype === "bool" ? this.bind(`${element} != 0u`, "bool") : element;
    }
    const at = position.terms.length > 1 ||
        position.terms.some(([a]) => a.kind !== "variable")
      ? this.bind(wgsl(position), "u32")
      : wgsl(position);
    if (tensor.dtype === "bool") {
      return this.bind(`${this.#scope.word(tensor, name, at)} != 0u`, "bool");
    }
    if (!isHalf(tensor.dtype)) {
      return this.bind(this.#scope.word(tensor, name, at), storageType(tensor.dtype));
    }
    const pair = this.bind(this.#scope.word(tensor, name, `${at} / 2u`), "u32");
    const bits = `((${pair} >> (16u * (${at} & 1u))) & 0xffffu)`;
    return this.bind(
      tensor.dtype === "bf16" ? `bitcast<f32>(${bits} << 16u)` : `unpack2x16float(${bits}).x`,
      "f32",
    );
  }
}

/** Declarations of a kernel's bindings: what it reads, then what it writes (unless it writes over a read). */
export function declare(
  scope: KernelScope,
  output: Tensor,
  inPlace?: Tensor,
  wideOutput = false,
): string {
  const lines: string[] = [];
  let binding = 0;
  const bind = (tensor: Tensor, name: string, isWide: boolean, access: "read" | "read_write") => {
    const type = isWide ? `vec4<${storageType(tensor.dtype)}>` : storageType(tensor.dtype);
    const count = scope.parts(tensor);
    for (let part = 0; part < count; part++) {
      lines.push(`@group(0) @binding(${binding++}) var<storage, ${access}> ${partName(name, part)}: array<${type}>;`);
    }
    if (count === 1) return;
    const words = partBytes(scope.limit) / (isWide ? 16 : 4);
    lines.push(readFunction(name, type, count, words));
    if (access === "read_write") lines.push(writeFunction(name, type, count, words));
  };
  for (const [tensor, name] of scope.reads) {
    bind(tensor, name, scope.isWide(tensor), tensor === inPlace ? "read_write" : "read");
  }
  if (!inPlace) bind(output, "result", wideOutput, "read_write");
  return lines.join("\n");
}

/** A value as its storage holds it. */
export function storedForm(output: Tensor, value: string): string {
  return output.dtype === "bool" ? `select(0u, 1u, ${value})` : value;
}

/** Statement that stores a value of the output's dtype at a linear position. */
export function storeStatement(
  scope: KernelScope,
  output: Tensor,
  name: string,
  position: string,
  value: string,
): string {
  return scope.store(output, name, position, storedForm(output, value));
}
