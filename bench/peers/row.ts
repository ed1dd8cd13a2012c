/** What is measured, and what an implementation must be able to do to be measured. */

/** Numbers and their shape. */
export interface Data {
  /** Row-major. */
  readonly shape: readonly number[];
  /** As many as the shape holds. */
  readonly values: Float32Array;
}

/**
 * The work of a row. Tensors are NCHW, attention's are `[B, H, N, D]`; an implementation lays its own copies out as it
 * likes best, before its time counts, and turns its results back.
 *
 * | op | inputs | results |
 * | --- | --- | --- |
 * | matmul | a, b | a b |
 * | conv2d, 3x3, padding 1 | x, weight / dy, weight / x, dy | y / dx / dweight |
 * | groupNormSilu | x, weight, bias | silu(norm(x)) |
 * | layerNorm, last axis | x, weight, bias | norm(x) |
 * | attention | q, k, v, and do for the backward pass | o, or dq, dk, dv |
 * | chain | x, y | `x = 0.5 tanh(x y + x0)`, `rounds` times |
 * | adamw | parameters, then as many gradients | a few of the parameters after each run |
 * | train | see `rows/training.ts` | the loss of each step |
 * | align | none: the configuration says all | the metrics of each step |
 */
export type Work =
  | { readonly op: "matmul" }
  | { readonly op: "conv2d"; readonly pass: "forward" | "inputGrad" | "weightGrad" }
  | { readonly op: "groupNormSilu"; readonly groups: number }
  | { readonly op: "layerNorm" }
  | { readonly op: "attention"; readonly pass: "forward" | "backward" }
  | { readonly op: "chain"; readonly rounds: number }
  | { readonly op: "adamw"; readonly shown: readonly number[] }
  | Training
  | Alignment;

/** Work that is the same at every run. */
export type Stateless = Exclude<Work, { op: "adamw" | "train" | "align" }>;

/** A step of the main job, which only dipp can do: it is there to compare dipp's devices. */
export interface Alignment {
  readonly op: "align";
  /** The configuration of `deno task train`, from the root of the project. */
  readonly config: string;
}

/** A training step: forward, mean squared error, backward, AdamW. */
export interface Training {
  readonly op: "train";
  /** The network's kind. */
  readonly network: "unet" | "dit";
  /** Its configuration, as in diffusers. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the parameters; they are the inputs from the fifth on. */
  readonly names: readonly string[];
}

/** AdamW as every row with an optimiser does it. */
export const ADAMW = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 } as const;
/** Added to the variance by every norm that does not say otherwise. */
export const EPS = 1e-5;

/** One line of the table. */
export interface Row {
  /** Its name, for `--rows` too. */
  readonly name: string;
  /** How many times faster than the best peer it should be, by device. */
  readonly target: Readonly<Record<Setting["device"], number>>;
  /** Floating-point operations of a run, where that tells something. */
  readonly flops?: number;
  /** What to do. */
  readonly work: Work;
  /** To what. */
  inputs(): Data[];
  /** Runs whose results are compared: more than one where a run changes state. Default 1. */
  readonly checked?: number;
  /** Whether the JavaScript of one run is measured as well. */
  readonly host?: boolean;
  /** Whether fresh processes measure how long the first result takes as well. */
  readonly first?: boolean;
}

/** Work made ready by an implementation. */
export interface Job {
  /** Queues one run; what it awaits must not be the device. */
  run(): void | Promise<void>;
  /** Waits until everything queued has run. */
  wait(): Promise<void>;
  /** The results of the last run. */
  results(): Promise<Float32Array[]>;
  /** Gives the memory back. */
  free(): void;
}

/** What everything runs on. */
export interface Setting {
  /** The kind of device. */
  readonly device: "webgpu" | "wasm";
  /** Threads of WebAssembly. */
  readonly threads: number;
}

/** How much was done, and when last. */
export interface Counted {
  /** Dispatches recorded. */
  readonly dispatches: number;
  /** Programs, or command buffers, handed over. */
  readonly submits: number;
  /** When the last of them was handed over, on the clock of `performance.now()`. */
  readonly lastSubmit: number;
}

/** An implementation, once its device is there. */
export interface Implementation {
  /** Name and version. */
  readonly name: string;
  /** The WebGPU device, where it shows it, so that its errors are seen. */
  readonly device?: GPUDevice;
  /** What was done so far, where that is not seen by counting what WebGPU is told. */
  counted?(): Counted;
  /**
   * Makes work ready.
   *
   * @throws {Unsupported} Where it cannot do it.
   */
  prepare(work: Work, inputs: readonly Data[]): Job | Promise<Job>;
}

/** Why an implementation has no time in a row. */
export class Unsupported extends Error {
  override name = "Unsupported";
}

/** Reproducible numbers, uniform in [-scale, scale). */
export function noise(seed: number, shape: readonly number[], scale = 1, shift = 0): Data {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  for (let i = 0; i < values.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = shift + scale * ((state >>> 0) / 2 ** 31 - 1);
  }
  return { shape, values };
}

/** The numbers in another order of axes, as `permute` has it. */
export function permuted({ shape, values }: Data, axes: readonly number[]): Data {
  const to = axes.map((axis) => shape[axis]);
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const out = new Float32Array(values.length);
  const at = new Array<number>(to.length).fill(0);
  for (let i = 0; i < out.length; i++) {
    let from = 0;
    for (let d = 0; d < at.length; d++) from += at[d] * strides[axes[d]];
    out[i] = values[from];
    for (let d = at.length - 1; d >= 0 && ++at[d] === to[d]; d--) at[d] = 0;
  }
  return { shape: to, values: out };
}
