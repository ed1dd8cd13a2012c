/**
 * Matrix products and convolutions at the sizes of a small transformer, a small U-Net and a Stable Diffusion U-Net,
 * products against the plain loop; products of f16 factors in f16 arithmetic against f32.
 *
 *     deno bench bench/matmul_bench.ts
 *
 * Each iteration submits `REPEATS` products and waits for the device, which takes about 11 ms in Deno whatever the work.
 * The GFLOP/s printed first, for the kernels that the adapter gets, leave that out (`deno run -A` prints only these). On a
 * software adapter they come a second time by the processor's time, as if every core had worked on nothing else, which a
 * machine that is not idle disturbs less.
 *
 * @module
 */

import { noise, prepare, type Prepared, subgroup } from "../kernels/_run.ts";
import { conv2d, type ConvSpec, type Kernel, matmul, type MatmulOperand } from "../kernels/mod.ts";

const REPEATS = 4;
const WAIT_MS = 11;

const DECLARATIONS = `@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;`;
const store = (index: string, value: string) => `c[${index}] = ${value};`;
const lanes = await subgroup();
const target = (await navigator.gpu.requestAdapter())?.info.description.includes("llvmpipe") ? "software" : "gpu";

/** A row-major matrix, or the transpose of one. */
function operand(name: string, rows: number, columns: number, transposed: boolean): MatmulOperand {
  const strides = transposed ? { rowStride: 1, colStride: rows } : { rowStride: columns, colStride: 1 };
  return { name, base: (z) => `${z} * ${rows * columns}u`, ...strides };
}

/** One invocation for each element. */
function plain(batch: number, m: number, n: number, k: number, a: MatmulOperand, b: MatmulOperand): Kernel {
  return {
    workgroups: [Math.ceil(batch * m * n / 64), 1, 1],
    code: `${DECLARATIONS}
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let z = id.x / ${m * n}u; let row = id.x / ${n}u % ${m}u; let column = id.x % ${n}u;
  if (z >= ${batch}u) { return; }
  var sum = 0.0;
  for (var k = 0u; k < ${k}u; k++) {
    sum += a[${a.base("z")} + row * ${a.rowStride}u + k * ${a.colStride}u] *
      b[${b.base("z")} + k * ${b.rowStride}u + column * ${b.colStride}u];
  }
  c[id.x] = sum;
}`,
  };
}

/** Seconds that this process has computed for, on all cores together; undefined where the system does not tell. */
function processorSeconds(): number | undefined {
  try {
    const fields = Deno.readTextFileSync("/proc/self/stat").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

async function measure(name: string, gflop: number, work: Prepared): Promise<void> {
  await work.run();
  const once = Math.max(1, await work.run() - WAIT_MS);
  const times = Math.max(REPEATS, Math.ceil(100 / once));
  const before = processorSeconds();
  const best = Math.min(...[await work.run(times), await work.run(times), await work.run(times)]) - WAIT_MS;
  const used = target === "software" && before !== undefined ? processorSeconds()! - before : 0;
  const rate = (seconds: number) => (gflop * times / seconds).toFixed(1).padStart(6);
  const busy = used > 0 ? `, ${rate(used / 3 / navigator.hardwareConcurrency)} by processor time` : "";
  console.log(`${name.padEnd(44)} ${rate(best / 1000)} GFLOP/s${busy}`);
}

/** Name, products, rows, columns, terms, which factors lie transposed in memory. */
const PRODUCTS: [string, number, number, number, number, boolean, boolean][] = [
  ["linear forward", 1, 2048, 256, 256, false, true],
  ["linear input gradient", 1, 2048, 256, 256, false, false],
  ["linear weight gradient", 1, 256, 256, 2048, true, false],
  ["attention scores", 256, 64, 64, 32, false, true],
  ["square", 1, 1024, 1024, 1024, false, false],
  ["odd", 1, 1000, 1000, 1000, false, false],
  ["odd", 1, 333, 777, 555, false, false],
];

for (const [name, batch, m, n, k, ta, tb] of PRODUCTS) {
  const [a, b] = [operand("a", m, k, ta), operand("b", k, n, tb)];
  const inputs = [noise(batch * m * k, 1), noise(batch * k * n, 2)];
  const spec = { batch, m, n, k, a, b, declarations: DECLARATIONS, store, target, subgroup: lanes } as const;
  const ours = await prepare(matmul(spec), inputs, batch * m * n);
  const group = `${name} ${batch}x${m}x${n}x${k}`;
  await measure(group, 2e-9 * batch * m * n * k, ours);
  // The plain loop takes seconds for more
  if (batch * m * n * k <= 1 << 28) {
    const naive = await prepare(plain(batch, m, n, k, a, b), inputs, batch * m * n);
    Deno.bench(`${group}, plain loop`, { group, n: 3, warmup: 1, baseline: true }, async () => {
      await naive.run(REPEATS);
    });
  }
  Deno.bench(group, { group, n: 3, warmup: 1 }, async () => {
    await ours.run(REPEATS);
  });
}

// f16 factors, multiplied in f32 and in f16, in turn, so that both see the same machine
const half = (await navigator.gpu.requestAdapter())?.features.has("shader-f16");
for (const [name, batch, m, n, k, ta, tb] of half ? PRODUCTS.filter(([name]) => name !== "odd") : []) {
  const [a, b] = [operand("a", m, k, ta), operand("b", k, n, tb)].map((o) => ({
    ...o,
    type: "f16" as const,
    alignment: 4,
  }));
  const inputs = [batch * m * k, batch * k * n].map((size, seed) =>
    new Uint16Array(Float16Array.from(noise(size, seed + 1)).buffer)
  );
  const declarations = DECLARATIONS.replace("a: array<f32>", "a: array<u32>").replace("b: array<f32>", "b: array<u32>");
  const spec = { batch, m, n, k, a, b, declarations, store, target, subgroup: lanes } as const;
  const forms = await Promise.all(
    (["f32", "f16"] as const).map((arithmetic) => prepare(matmul({ ...spec, arithmetic }), inputs, batch * m * n)),
  );
  const times = Math.max(REPEATS, Math.ceil((2 ** 31) / (batch * m * n * k)));
  const best = [Infinity, Infinity];
  for (const form of forms) await form.run();
  for (let round = 0; round < 5; round++) {
    for (const [i, form] of forms.entries()) best[i] = Math.min(best[i], await form.run(times));
  }
  const ratio = ((best[0] - WAIT_MS) / (best[1] - WAIT_MS)).toFixed(2);
  console.log(
    `${`${name} ${batch}x${m}x${n}x${k} of f16`.padEnd(44)} ${ratio} times the rate of f32 arithmetic in f16`,
  );
}

const PASSES = ["forward", "inputGrad", "weightGrad"] as const;

/** Images, channels and side; the convolutions keep all three. */
const IMAGES: [number, number, number][] = [[16, 64, 32], [8, 64, 32], [4, 320, 32]];

for (
  const [images, channels, side, pass] of IMAGES.flatMap((sizes) => PASSES.map((pass) => [...sizes, pass] as const))
) {
  const pixels = images * channels * side * side;
  const weights = channels * channels * 9;
  const spec: ConvSpec = {
    pass,
    geometry: {
      input: [images, channels, side, side],
      weight: [channels, channels, 3, 3],
      output: [images, channels, side, side],
      stride: [1, 1],
      padding: [1, 1],
      dilation: [1, 1],
      groups: 1,
    },
    operands: { first: { name: "a" }, second: { name: "b" } },
    declarations: DECLARATIONS,
    store,
    target,
    subgroup: lanes,
  };
  const [second, result] = pass === "weightGrad" ? [pixels, weights] : [weights, pixels];
  const ours = await prepare(conv2d(spec), [noise(pixels, 1), noise(second, 2)], result);
  const name = `conv2d 3x3 ${pass} ${images}x${channels}x${side}x${side}`;
  await measure(name, 2e-9 * pixels * channels * 9, ours);
  Deno.bench(name, { group: `conv2d ${images}x${channels}x${side}x${side}`, n: 3, warmup: 1 }, async () => {
    await ours.run(REPEATS);
  });
}
