/** Writes fused WGSL: the buffers that a kernel binds, and the statements that read them, compute and store. */
import { byteLength, isHalf, storageType } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { type CoreValue, Emission } from "./emission.ts";
import type { Expression } from "./expression.ts";
import { halfBits } from "./half.ts";
import { type Index, multipleOfFour } from "./index_expression.ts";
import { partBytes, partName, partsOf, readFunction, writeFunction } from "./parts.ts";
import { WgslText } from "./wgsl_text.ts";

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
  /** A fresh name. */
  name(): string {
    return `v${this.#names++}`;
  }
}

/** One straight piece of WGSL: a kernel body, a loop body or an epilogue. */
export class Body {
  /** Statements in order. */
  readonly statements: string[] = [];
  readonly #emission: Emission;
  readonly #text: WgslText;

  /** `stored` tells which tensors lie in buffers; `core` is what the kernel has computed, and where that is valid. */
  constructor(scope: KernelScope, stored: (tensor: Tensor) => boolean, core?: CoreValue & { expression: string }) {
    this.#emission = new Emission(stored, core);
    const load = (tensor: Tensor, position: Index) => this.#load(scope, tensor, position);
    const isNamed = (x: Expression) => this.#emission.results.has(x);
    this.#text = new WgslText({
      statements: this.statements,
      isNamed,
      name: () => scope.name(),
      helper: (source) => scope.helper(source),
      load,
      core: core?.expression ?? "",
    });
  }

  /** WGSL of one element of a tensor. */
  value(tensor: Tensor, coords: readonly Index[]): string {
    return this.#text.of(this.#emission.value(tensor, coords));
  }

  /** WGSL of an element of a kernel's own root, which is computed even though it will lie in a buffer. */
  root(tensor: Tensor, coords: readonly Index[]): string {
    return this.#text.of(this.#emission.root(tensor, coords));
  }

  /** WGSL of the 16 bits (u32) of an element of a kernel's own root. */
  rootBits(tensor: Tensor, coords: readonly Index[]): string {
    return this.#text.of(halfBits(this.#emission.pool, tensor.dtype, this.#emission.root(tensor, coords)));
  }

  #load(scope: KernelScope, tensor: Tensor, position: Index): string {
    const bind = (text: string, type: string) => this.#text.bind(text, type);
    const name = scope.read(tensor, position.key);
    const quarter = multipleOfFour(position);
    if (!quarter) scope.scattered.add(tensor);
    else if (scope.isWide(tensor)) {
      const word = scope.word(tensor, name, this.#text.position(quarter.index));
      const vector = bind(word, `vec4<${storageType(tensor.dtype)}>`);
      const element = `${vector}.${"xyzw"[quarter.component]}`;
      return tensor.dtype === "bool" ? bind(`${element} != 0u`, "bool") : element;
    }
    const isPlain = position.terms.length <= 1 && position.terms.every(([a]) => a.kind === "variable");
    const text = this.#text.position(position);
    const at = isPlain ? text : bind(text, "u32");
    if (tensor.dtype === "bool") return bind(`${scope.word(tensor, name, at)} != 0u`, "bool");
    if (!isHalf(tensor.dtype)) return bind(scope.word(tensor, name, at), storageType(tensor.dtype));
    const pair = bind(scope.word(tensor, name, `${at} / 2u`), "u32");
    const bits = `((${pair} >> (16u * (${at} & 1u))) & 0xffffu)`;
    return bind(tensor.dtype === "bf16" ? `bitcast<f32>(${bits} << 16u)` : `unpack2x16float(${bits}).x`, "f32");
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
