import { assertEquals } from "@std/assert";
import { type Kernel, matmulKey } from "@dipp/kernels";
import { byteLength, decode } from "../dtype.ts";
import { conv2d, gelu, grad, init, type Tensor, tensor } from "../mod.ts";
import { backend } from "../runtime/device.ts";
import { assertClose } from "../testing.ts";
import { guardDevice } from "../testing_device.ts";
import { describePlan, targetOf } from "./describe.ts";
import { bindPlan } from "./plan.ts";
import { schedule } from "./schedule.ts";

await init({ device: "webgpu" });
guardDevice();
const device = await backend();
const gpu = { ...targetOf(device), kind: "gpu", tuning: undefined } as const;

function values(shape: number[], seed: number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898 + seed)), shape);
}

/** How many factors the last kernel reads four at a time. */
function vectors(result: Tensor): number {
  const { code } = schedule([result], gpu).findLast((k) => k.core?.primitive.kind !== "reduce")!.kernel as Kernel;
  return code.match(/var<storage, read> in\d+: array<vec4<f32>>/g)?.length ?? 0;
}

/** Runs the kernels for a graphics processor here, and compares with those that suit the adapter. */
async function assertSame(build: () => Tensor, wide: number): Promise<void> {
  assertEquals(vectors(build()), wide);
  const result = build();
  const plan = bindPlan(describePlan([result], [], gpu), device);
  device.submit(plan.program);
  const bytes = await device.download(plan.outputs[0], byteLength("f32", result.size));
  plan.free();
  plan.freeOutputs();
  assertClose(decode(bytes, "f32", result.size), await build().data(), 1e-5, `${result}`);
}

const [a, b] = [values([36, 40], 1), values([40, 44], 2)];
const [batches, others] = [values([3, 12, 20], 3), values([3, 12, 20], 4)];
const products: Record<string, [() => Tensor, number]> = {
  "rows and columns at multiples of four": [() => a.matmul(b), 2],
  "transposed factors": [() => b.transpose(0, 1).matmul(a.transpose(0, 1)), 2],
  "batches": [() => batches.matmul(others.transpose(1, 2)), 2],
  "a slice at a multiple of four": [() => a.slice([null, [4, 36]]).matmul(b.slice([[0, 32]])), 2],
  "a slice that begins elsewhere": [() => a.slice([null, [2, 34]]).matmul(b.slice([[0, 32]])), 1],
  "every other column": [() => a.slice([null, [0, 40, 2]]).matmul(b.slice([[0, 20]])), 1],
  "odd lengths": [() => values([35, 37], 5).matmul(values([37, 43], 6)), 0],
  "odd rows of one factor": [() => values([36, 37], 5).matmul(values([37, 44], 6)), 1],
  "a square, both factors at once": [() => values([36, 36], 7).matmul(values([36, 36], 7)), 2],
  "one tensor as both factors": [() => a.matmul(a.transpose(0, 1)), 1],
  "a factor that the epilogue reads, too": [() => {
    const x = values([32, 32], 8);
    return gelu(x.matmul(values([32, 32], 9))).add(x);
  }, 1],
};

for (const [name, [build, wide]] of Object.entries(products)) {
  Deno.test(`products for a graphics processor read in fours what lies so: ${name}`, () => assertSame(build, wide));
}

const [x, w, point] = [values([2, 8, 6, 6], 1), values([4, 8, 3, 3], 2), values([4, 8, 1, 1], 3)];
const odd = [values([2, 3, 5, 5], 1), values([4, 3, 3, 3], 2)] as const;
const gradient = (input: Tensor, weight: Tensor, of: 0 | 1, seed: Tensor) =>
  grad(conv2d(input, weight, { padding: weight.shape[2] >> 1 }).mul(seed).sum(), [input, weight])[of];
const seed = values([2, 4, 6, 6], 4);
const convolutions: Record<string, [() => Tensor, number]> = {
  "the weight": [() => conv2d(x, w, { padding: 1 }), 1],
  "the gradient, for the weight's": [() => gradient(x, w, 1, seed), 1],
  "nothing, for the input's": [() => gradient(x, w, 0, seed), 0],
  "images and weight where windows are points": [() => conv2d(x, point), 2],
  "both for the gradient of these": [() => gradient(x, point, 0, seed), 2],
  "nothing where sizes are odd": [() => conv2d(...odd, { padding: 1 }), 0],
};

for (const [name, [build, wide]] of Object.entries(convolutions)) {
  Deno.test(`convolutions for a graphics processor read in fours ${name}`, () => assertSame(build, wide));
}

Deno.test("a form that was measured without vectors gets none", () => {
  const [rows, columns] = [{ rowStride: 40, colStride: 1 }, { rowStride: 44, colStride: 1 }];
  const key = matmulKey({ batch: 1, m: 36, n: 44, k: 40, a: rows, b: columns });
  const code = (vec4: boolean) =>
    (schedule([a.matmul(b)], {
      ...gpu,
      tuning: new Map([[key, { kind: "tiled", rows: 4, columns: 4, depth: 8, vec4 }]]),
    })[0].kernel as Kernel).code;
  assertEquals([true, false].map((vec4) => code(vec4).includes("read> in0: array<vec4<f32>>")), [true, false]);
});
