/**
 * WebAssembly products and convolutions on one thread, in GFLOP/s; the best of several runs.
 *
 *     deno run -A bench/wasm_bench.ts [--rows SUBSTRING]
 *
 * @module
 */
import { prepareKernel } from "../kernels/wasm/_run.ts";
import { i32, wasmConv2d, type WasmConvSpec, type WasmKernel, wasmMatmul } from "../kernels/wasm/mod.ts";

const TARGET = { relaxed: true, threads: 2 };
const flag = Deno.args.indexOf("--rows");
const wanted = flag < 0 ? "" : Deno.args[flag + 1] ?? "";

/** Times a kernel with zeros as inputs, after enough runs that it is compiled for speed, and prints its rate. */
async function time(name: string, kernel: () => WasmKernel, floats: number[], operations: number): Promise<void> {
  if (!name.includes(wanted)) return;
  const prepared = prepareKernel(kernel(), floats.map((n) => new Float32Array(n)));
  const warm = performance.now();
  do prepared.run(); while (performance.now() - warm < 200);
  // The compiler works in the background
  await new Promise((resolve) => setTimeout(resolve, 100));
  prepared.run();
  let best = Infinity;
  const start = performance.now();
  while (performance.now() - start < 400) {
    const from = performance.now();
    prepared.run();
    best = Math.min(best, performance.now() - from);
  }
  const rate = operations / best / 1e6;
  console.log(`${name.padEnd(48)} ${rate.toFixed(1).padStart(7)} GFLOP/s ${best.toFixed(3).padStart(10)} ms`);
}

function product(batch: number, m: number, n: number, k: number, layout: "nn" | "nt" | "tn"): Promise<void> {
  const operand = (buffer: number, rows: number, columns: number, transposed: boolean) => ({
    buffer,
    base: (z: Parameters<typeof i32.mul>[0]) => i32.mul(z, i32.const(rows * columns)),
    type: "f32" as const,
    ...(transposed ? { rowStride: 1, colStride: rows } : { rowStride: columns, colStride: 1 }),
  });
  const kernel = () =>
    wasmMatmul({
      batch,
      m,
      n,
      k,
      a: operand(0, m, k, layout === "tn"),
      b: operand(1, k, n, layout === "nt"),
      output: { buffer: 2 },
    }, TARGET);
  const floats = [batch * m * k, batch * k * n, batch * m * n];
  return time(`matmul ${batch}x${m}x${n}x${k} ${layout}`, kernel, floats, 2 * batch * m * n * k);
}

for (const layout of ["nn", "nt", "tn"] as const) await product(1, 1024, 1024, 1024, layout);
await product(1, 1000, 1000, 1000, "nn");
await product(1, 1023, 1023, 1023, "nn");
await product(1, 512, 512, 512, "nn");
await product(1, 256, 256, 256, "nt");
await product(96, 64, 64, 32, "nt");
await product(96, 64, 32, 64, "nn");
await product(1, 2048, 320, 320, "nt");
await product(1, 1, 1024, 1024, "nt");
await product(1, 1, 1024, 1024, "nn");
await product(1, 1024, 1, 1024, "nn");
await product(1, 8, 1280, 320, "nt");
await product(1, 64, 64, 16384, "tn");

/** All three passes of a convolution that keeps sizes (windows are odd), or halves them (stride 2). */
async function convolution(batch: number, channels: number, size: number, outputs: number, window: number, stride = 1) {
  const out = size / stride;
  const padding = (window - 1) / 2;
  const geometry: WasmConvSpec["geometry"] = {
    input: [batch, channels, size, size],
    weight: [outputs, channels, window, window],
    output: [batch, outputs, out, out],
    stride: [stride, stride],
    padding: [padding, padding],
    dilation: [1, 1],
    groups: 1,
  };
  const [input, weight, output] = [geometry.input, geometry.weight, geometry.output].map((shape) =>
    shape.reduce((x, y) => x * y)
  );
  const operations = 2 * output * channels * window * window;
  const floats = {
    forward: [input, weight, output],
    inputGrad: [output, weight, input],
    weightGrad: [input, output, weight],
  };
  for (const pass of ["forward", "inputGrad", "weightGrad"] as const) {
    const kernel = () =>
      wasmConv2d({
        pass,
        geometry,
        first: { buffer: 0, type: "f32" },
        second: { buffer: 1, type: "f32" },
        output: { buffer: 2 },
      }, TARGET);
    const name = `conv ${batch}x${channels}x${size}x${size} -> ${outputs}, ${window}x${window}/${stride} ${pass}`;
    await time(name, kernel, floats[pass], operations);
  }
}

await convolution(8, 64, 32, 64, 3);
await convolution(4, 320, 32, 320, 3);
await convolution(8, 64, 32, 64, 1);
await convolution(8, 128, 8, 128, 3);
await convolution(8, 256, 4, 256, 3);
await convolution(8, 3, 32, 64, 3);
await convolution(8, 64, 32, 64, 3, 2);
