/**
 * Measures the forms that products and convolutions come in, and keeps the fastest of each for this adapter and version
 * of Deno, where later processes find them.
 *
 *     deno task tune [--device software] [--matmul BATCHxMxNxK]... [--out FILE]
 *
 * Without shapes it measures a list of typical ones. `--device software` takes the fallback adapter. The file is merged
 * with what is there; see `DIPP_TUNING` in docs/architecture.md.
 *
 * @module
 */
import {
  conv2d,
  convKey,
  convLiesInFours,
  type ConvSpec,
  type ConvVariant,
  convVariants,
  type Kernel,
  liesInFours,
  matmul,
  matmulKey,
  type MatmulSpec,
  type MatmulVariant,
  matmulVariants,
} from "../kernels/mod.ts";
import type { Backend, BackendBuffer } from "../packages/tensor/backend/backend.ts";
import { createWebGpuBackend } from "../packages/tensor/backend/webgpu.ts";
import { readFlags } from "./flags.ts";
import { formatTuning, parseTuning, tuningPath, tuningScope } from "../packages/tensor/runtime/tuning.ts";

const USAGE = `Usage: deno task tune [--device software] [--matmul BATCHxMxNxK]... [--out FILE]

Measures the forms of products and convolutions and keeps the fastest for this adapter and version of Deno.

  --device software      the fallback adapter
  --matmul BATCHxMxNxK   this product instead of a list of typical work; may be repeated
  --out FILE             where to write instead of the user's cache directory`;

/** Milliseconds of work in one timing, and timings of each form that is still in the race. */
const WORK_MS = 60;
const ROUNDS = 3;

/** One piece of work: its key and the kernel of each of its forms. */
interface Work {
  readonly name: string;
  readonly key: string;
  readonly gflop: number;
  /** Elements of both factors and of the result. */
  readonly sizes: readonly [number, number, number];
  readonly forms: readonly { form: MatmulVariant | ConvVariant; kernel(): Kernel }[];
}

const DECLARATIONS = `@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;`;

type Machine = Pick<MatmulSpec, "target" | "subgroup">;
const store = (index: string, value: string) => `c[${index}] = ${value};`;

/** How a form has both factors bound, the way the engine does it, where `inFours` tells which could be vectors. */
function binding({ target }: Machine, form: MatmulVariant | ConvVariant, inFours: readonly boolean[]): {
  types: readonly ("vec4" | "f32")[];
  declarations: string;
} {
  const product = form.kind === "matmul" ? form.product : form;
  const isWide = target === "gpu" && (!product || product.kind === "tiled" && product.vec4 !== false);
  const types = inFours.map((fits) => isWide && fits ? "vec4" as const : "f32" as const);
  const [a, b] = types.map((type) => type === "vec4" ? "vec4<f32>" : "f32");
  return { types, declarations: DECLARATIONS.replace("<A>", `<${a}>`).replace("<B>", `<${b}>`) };
}

/** A product with rows of either factor, or columns, next to each other in memory. */
function matmulWork(machine: Machine, [batch, m, n, k]: number[], layout: string): Work {
  const lay = (rows: number, columns: number, how: string) =>
    how === "n" ? { rowStride: columns, colStride: 1 } : { rowStride: 1, colStride: rows };
  const spec: MatmulSpec = {
    ...machine,
    batch,
    m,
    n,
    k,
    a: { name: "a", base: (z) => `${z} * ${m * k}u`, alignment: m * k, ...lay(m, k, layout[0]) },
    b: { name: "b", base: (z) => `${z} * ${k * n}u`, alignment: k * n, ...lay(k, n, layout[1]) },
    declarations: "",
    store,
  };
  const inFours = [liesInFours(spec.a, m, k), liesInFours(spec.b, k, n)];
  const kernel = (form: MatmulVariant) => {
    const { types: [a, b], declarations } = binding(machine, form, inFours);
    return matmul({ ...spec, a: { ...spec.a, type: a }, b: { ...spec.b, type: b }, declarations, variant: form });
  };
  return {
    name: `matmul ${layout} ${batch}x${m}x${n}x${k}`,
    key: matmulKey(spec),
    gflop: 2e-9 * batch * m * n * k,
    sizes: [batch * m * k, batch * k * n, batch * m * n],
    forms: matmulVariants(spec).map((form) => ({ form, kernel: () => kernel(form) })),
  };
}

/** A convolution that keeps the size of its images. */
function convWork(
  machine: Machine,
  pass: ConvSpec["pass"],
  [images, inputs, side, outputs, kernel]: number[],
): Work {
  const geometry = {
    input: [images, inputs, side, side],
    weight: [outputs, inputs, kernel, kernel],
    output: [images, outputs, side, side],
    stride: [1, 1],
    padding: [(kernel - 1) / 2, (kernel - 1) / 2],
    dilation: [1, 1],
    groups: 1,
  } as const;
  const operands = { first: { name: "a" }, second: { name: "b" } };
  const spec: ConvSpec = { ...machine, pass, geometry, operands, declarations: "", store };
  const build = (form: ConvVariant) => {
    const { types: [first, second], declarations } = binding(machine, form, convLiesInFours(spec));
    const operands = { first: { name: "a", type: first }, second: { name: "b", type: second } };
    return conv2d({ ...spec, operands, declarations, variant: form });
  };
  const [x, w, y] = [geometry.input, geometry.weight, geometry.output].map((s) => s.reduce((p, q) => p * q));
  return {
    name: `conv2d ${pass} ${images}x${inputs}x${side}x${side}, ${outputs} of ${kernel}x${kernel}`,
    key: convKey(spec),
    gflop: 2e-9 * y * inputs * kernel * kernel,
    sizes: ({ forward: [x, w, y], inputGrad: [y, w, x], weightGrad: [x, y, w] } as const)[pass],
    forms: convVariants(spec).map((form) => ({ form, kernel: () => build(form) })),
  };
}

/** Square, odd, tall, flat, batched; layers of a small transformer and a small U-Net. */
function typicalWork(machine: Machine): Work[] {
  const products: [number[], string][] = [
    ...[512, 1024].map((n): [number[], string] => [[1, n, n, n], "nn"]),
    [[1, 333, 777, 555], "nn"],
    [[1, 2048, 256, 256], "nt"],
    [[1, 2048, 256, 256], "nn"],
    [[1, 256, 256, 2048], "tn"],
    [[256, 64, 64, 32], "nt"],
    [[256, 64, 32, 64], "nn"],
    [[1, 16, 1024, 1024], "nt"],
  ];
  const convolutions = [[8, 64, 32, 64, 3], [16, 64, 16, 128, 3], [8, 128, 16, 64, 1], [4, 320, 32, 320, 3]];
  return [
    ...products.map(([sizes, layout]) => matmulWork(machine, sizes, layout)),
    ...convolutions.flatMap((sizes) =>
      (["forward", "inputGrad", "weightGrad"] as const).map((pass) => convWork(machine, pass, sizes))
    ),
  ];
}

/** The fastest form and its rate; forms that the device refuses drop out. */
async function fastest(backend: Backend, { name, gflop, sizes, forms }: Work): Promise<MatmulVariant | ConvVariant> {
  const buffers = sizes.map((size) => backend.allocate(size * 4));
  const fill = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  [0, 1].forEach((i) => backend.upload(buffers[i], fill(sizes[i])));
  let racing: { form: MatmulVariant | ConvVariant; time(): Promise<number>; best: number }[] = [];
  for (const { form, kernel } of forms) {
    try {
      const time = await timer(backend, kernel(), buffers);
      racing.push({ form, time, best: await time() });
    } catch (error) {
      console.log(`  ${JSON.stringify(form)} does not run here: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  const initial = racing[0];
  for (let round = 0; round < ROUNDS; round++) {
    const least = Math.min(...racing.map((r) => r.best));
    racing = racing.filter((r) => r === initial || r.best < 1.5 * least);
    for (const entry of racing) entry.best = Math.min(entry.best, await entry.time());
  }
  buffers.forEach((buffer) => backend.free(buffer));
  const best = racing.reduce((a, b) => b.best < a.best ? b : a);
  const rate = (ms: number) => (gflop / ms * 1000).toFixed(1);
  console.log(
    `${name.padEnd(52)} ${rate(initial.best).padStart(7)} -> ${rate(best.best).padStart(7)} GFLOP/s  ` +
      JSON.stringify(best.form),
  );
  return best.form;
}

/** Milliseconds of one run: the difference between many runs and none leaves the wait for the device out. */
async function timer(
  backend: Backend,
  kernel: Kernel,
  buffers: readonly BackendBuffer[],
): Promise<() => Promise<number>> {
  const access = ["read", "read", "read_write"] as const;
  const pipeline = backend.compile(kernel, "candidate", access);
  const run = {
    kind: "dispatch",
    pipeline,
    buffers: buffers.map((buffer, i) => ({ buffer, access: access[i] })),
    workgroups: kernel.workgroups,
  } as const;
  const measure = async (times: number) => {
    const program = backend.prepare(Array.from({ length: times }, () => run));
    const start = performance.now();
    backend.submit(program);
    await backend.synchronize();
    return performance.now() - start;
  };
  await measure(1);
  const empty = await measure(0);
  const once = Math.max(0.1, await measure(1) - empty);
  const times = Math.max(1, Math.ceil(WORK_MS / once));
  return async () => Math.max(1e-3, await measure(times) - empty) / times;
}

/** Measures, and writes what was fastest. */
async function tune(args: string[]): Promise<void> {
  const options = readFlags(args, USAGE, { string: ["device", "matmul", "out"], collect: ["matmul"] });
  const { device } = options;
  if (device !== undefined && device !== "software") throw new RangeError(`--device is ${device}, expected software`);
  const backend = await createWebGpuBackend({ fallback: device === "software" });
  const scope = tuningScope(backend);
  const path = (options.out as string | undefined) ?? tuningPath(scope);
  if (!path) throw new TypeError("There is nowhere to write to: expected --out, DIPP_TUNING, XDG_CACHE_HOME or HOME");
  const machine = {
    target: backend.adapterClass === "software" ? "software" : "gpu",
    subgroup: backend.subgroupSize,
  } as const;
  const wanted = (options.matmul as string[]).map((text) => {
    const sizes = text.split("x").map(Number);
    if (sizes.length !== 4 || sizes.some((n) => !Number.isInteger(n) || n < 1)) {
      throw new RangeError(`--matmul is ${text}, expected BATCHxMxNxK`);
    }
    return matmulWork(machine, sizes, "nn");
  });
  console.log(`${scope.adapter}, Deno ${scope.deno}: default -> fastest`);
  const forms = new Map();
  try {
    for (const [key, form] of parseTuning(await Deno.readTextFile(path), scope)) forms.set(key, form);
  } catch { /* Nothing there that could be added to */ }
  await Deno.mkdir(path.replace(/[^/\\]*$/, "") || ".", { recursive: true });
  for (const work of wanted.length > 0 ? wanted : typicalWork(machine)) {
    forms.set(work.key, await fastest(backend, work));
    await Deno.writeTextFile(path, formatTuning(forms, scope));
  }
  backend.destroy();
  console.log(`Written to ${path}`);
}

if (import.meta.main) await tune(Deno.args);
