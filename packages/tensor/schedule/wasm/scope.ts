/** What all parts of one WebAssembly kernel share: the buffers that it reads, and where its result goes. */
import { type Code, i32, type Local, type WasmFunction } from "@dipp/kernels/wasm";
import type { Tensor } from "../../tensor.ts";

/** The buffers of one kernel, in binding order: what is read, then the result, unless that is written over a read. */
export class WasmScope {
  /** Tensors that are read, with the places of their buffers. */
  readonly reads: Map<Tensor, number> = new Map();
  /** Symbolic positions at which each of them is read. */
  readonly positions: Map<Tensor, Set<string>> = new Map();
  readonly #inPlace: Tensor | undefined;

  /** `inPlace` is the tensor among the reads that the result is written over, if any. */
  constructor(inPlace?: Tensor) {
    this.#inPlace = inPlace;
  }

  /** Records a read and gives the place of the tensor's buffer. */
  read(tensor: Tensor, position: string): number {
    if (!this.reads.has(tensor)) this.reads.set(tensor, this.reads.size);
    if (!this.positions.has(tensor)) this.positions.set(tensor, new Set());
    this.positions.get(tensor)!.add(position);
    return this.reads.get(tensor)!;
  }

  /** Place of the result's buffer; right once everything was read. */
  get output(): number {
    return this.#inPlace ? this.reads.get(this.#inPlace)! : this.reads.size;
  }
}

/** A function of a kernel while it is written: addresses of buffers and constants are set at its beginning. */
export class Frame {
  /** The function. */
  readonly f: WasmFunction;
  readonly #buffers: Local;
  readonly #scope: WasmScope;
  readonly #opening: Code[] = [];
  readonly #bases = new Map<Tensor | "output", Local>();
  readonly #constants = new Map<string, Local>();

  /** `buffers` holds the address of the list of buffers. */
  constructor(f: WasmFunction, buffers: Local, scope: WasmScope) {
    this.f = f;
    this.#buffers = buffers;
    this.#scope = scope;
  }

  /** Address of a tensor's buffer. */
  base(tensor: Tensor): Local {
    return this.#base(tensor, () => this.#scope.reads.get(tensor)!);
  }

  /** Address of the result's buffer. */
  output(): Local {
    return this.#base("output", () => this.#scope.output);
  }

  /** A value that stays the same, set once; equal keys share a variable. */
  constant(key: string, value: Code): Local {
    let known = this.#constants.get(key);
    if (!known) {
      this.#constants.set(key, known = this.f.local("v128"));
      this.#opening.push(known.set(value));
    }
    return known;
  }

  /** Sets the function's body, once everything was read. */
  finish(...body: Code[]): WasmFunction {
    this.f.body = [this.#opening, body];
    return this.f;
  }

  #base(of: Tensor | "output", place: () => number): Local {
    let known = this.#bases.get(of);
    if (!known) {
      this.#bases.set(of, known = this.f.local("i32"));
      this.#opening.push(known.set(i32.load(this.#buffers.get, 4 * place())));
    }
    return known;
  }
}
