/**
 * WebAssembly attention and its gradients on one thread, in GFLOP/s, and elementary functions, in nanoseconds for 1000
 * elements; the best of several runs.
 *
 *     deno run -A bench/wasm_attention_bench.ts
 *
 * @module
 */
import { prepareKernel } from "../kernels/wasm/_run.ts";
import {
  buildModule,
  control,
  forEach,
  i32,
  math,
  v128,
  wasmAttentionForward,
  wasmAttentionKeyGrad,
  wasmAttentionQueryGrad,
  WasmFunction,
  type WasmKernel,
} from "../kernels/wasm/mod.ts";

const TARGET = { relaxed: true, threads: 2 };

/** Milliseconds of the fastest run, after enough runs that the compiler in the background is done. */
async function fastest(run: () => void): Promise<number> {
  const warm = performance.now();
  do run(); while (performance.now() - warm < 300);
  await new Promise((resolve) => setTimeout(resolve, 100));
  let best = Infinity;
  const start = performance.now();
  while (performance.now() - start < 500) {
    const from = performance.now();
    run();
    best = Math.min(best, performance.now() - from);
  }
  return best;
}

const noise = (length: number) => Float32Array.from({ length }, () => Math.random() - 0.5);

async function attention(batch: number, length: number, width: number): Promise<void> {
  const matrix = (buffer: number, columns: number) => ({
    buffer,
    base: (z: Parameters<typeof i32.mul>[0]) => i32.mul(z, i32.const(length * columns)),
    rowStride: columns,
    colStride: 1,
  });
  const [q, k, v] = [0, 1, 2].map((buffer) => matrix(buffer, width));
  const sizes = { batch, rows: length, keys: length, width, valueWidth: width };
  const common = { ...sizes, q, k, v, causal: false, scale: width ** -0.5, stats: matrix(3, 2) };
  const back = { ...common, gradient: matrix(4, width), delta: matrix(5, 1) };
  const results = { keyGradient: matrix(6, width), valueGradient: matrix(7, width) };
  const kernels: [string, WasmKernel, number][] = [
    ["forward", wasmAttentionForward({ ...common, output: matrix(6, width) }, TARGET), 2],
    ["gradient of queries", wasmAttentionQueryGrad({ ...back, queryGradient: matrix(6, width) }, TARGET), 3],
    ["gradients of keys and values", wasmAttentionKeyGrad({ ...back, ...results }, TARGET), 4],
  ];
  const rows = batch * length;
  for (const [name, kernel, products] of kernels) {
    const features = () => noise(rows * width);
    const stats = Float32Array.from({ length: 2 * rows }, (_, i) => i % 2 / length);
    const inputs = [features(), features(), features(), stats, features(), noise(rows)];
    const prepared = prepareKernel(kernel, [...inputs, 4 * rows * width, 4 * rows * width]);
    const ms = await fastest(prepared.run);
    const rate = products * 2 * rows * length * width / ms / 1e6;
    console.log(`attention ${batch}x${length}x${width} ${name}`.padEnd(56), `${rate.toFixed(1)} GFLOP/s`);
  }
}

await attention(32, 256, 64);
await attention(32, 1024, 40);

for (const name of ["exp", "log", "sin", "cos", "pow"] as const) {
  const callee = math(name, TARGET);
  const f = new WasmFunction("f");
  const at = f.local("i32");
  const operands = callee.parameters.map(() => v128.load(at.get));
  f.body = forEach(
    at,
    i32.const(0),
    i32.const(16000),
    16,
    v128.store(at.get, control.call(callee, ...operands), 16384),
  );
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const bytes = buildModule({ exports: [f], memory: { minimum: 1, maximum: 1, shared: false } });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  new Float32Array(memory.buffer).set(noise(4000).map((x) => x + 0.6));
  const ms = await fastest(exports.f as () => void);
  console.log(name.padEnd(56), `${(ms * 1e6 / 4).toFixed(0)} ns for 1000`);
}
