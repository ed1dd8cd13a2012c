import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool2d,
  grad,
  maxPool2d,
  realize,
  type Tensor,
  tensor,
} from "../mod.ts";

const [H, W] = [7, 6];
const values = Float32Array.from({ length: 2 * H * W }, (_, i) => Math.sin(i * 1.7) + i / 50);
const image = () => tensor(values, [1, 2, H, W]);

interface Geometry {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly ceilMode: boolean;
}

/** Positions of each window, written as loops after torch's documentation. */
function loops(g: Geometry, reduce: (inside: number[], padded: number) => number): number[] {
  const count = (n: number, a: 0 | 1) => {
    const steps = (n + 2 * g.padding[a] - g.dilation[a] * (g.kernel[a] - 1) - 1) / g.stride[a];
    const full = (g.ceilMode ? Math.ceil(steps) : Math.floor(steps)) + 1;
    return g.ceilMode && (full - 1) * g.stride[a] >= n + g.padding[a] ? full - 1 : full;
  };
  const out: number[] = [];
  for (let c = 0; c < 2; c++) {
    for (let y = 0; y < count(H, 0); y++) {
      for (let x = 0; x < count(W, 1); x++) {
        const inside: number[] = [];
        let padded = 0;
        for (let i = 0; i < g.kernel[0]; i++) {
          for (let j = 0; j < g.kernel[1]; j++) {
            const row = y * g.stride[0] - g.padding[0] + i * g.dilation[0];
            const column = x * g.stride[1] - g.padding[1] + j * g.dilation[1];
            if (row < H + g.padding[0] && column < W + g.padding[1]) padded++;
            if (row >= 0 && row < H && column >= 0 && column < W) inside.push(values[(c * H + row) * W + column]);
          }
        }
        out.push(reduce(inside, padded));
      }
    }
  }
  return out;
}

const GEOMETRIES: Geometry[] = [
  { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], ceilMode: true },
  { kernel: [3, 2], stride: [2, 1], padding: [1, 1], dilation: [1, 1], ceilMode: false },
  { kernel: [3, 3], stride: [3, 2], padding: [1, 0], dilation: [1, 1], ceilMode: true },
  { kernel: [2, 3], stride: [1, 2], padding: [1, 1], dilation: [3, 2], ceilMode: false },
];

async function agree(y: Tensor, expected: number[]): Promise<void> {
  const got = await y.data();
  assertEquals(got.length, expected.length);
  got.forEach((v, i) => assertAlmostEquals(v, expected[i], 1e-5));
}

Deno.test("avgPool2d() agrees with loops for every stride, padding and rounding", async () => {
  for (const g of GEOMETRIES.filter((g) => g.dilation[0] === 1)) {
    const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
    const [counted, inside] = [true, false].map((countIncludePad) =>
      avgPool2d(image(), g.kernel, { ...g, countIncludePad })
    );
    await realize(counted, inside);
    await agree(counted, loops(g, (list, padded) => sum(list) / padded));
    await agree(inside, loops(g, (list) => sum(list) / list.length));
  }
});

Deno.test("maxPool2d() agrees with loops for every stride, padding, dilation and rounding", async () => {
  for (const g of GEOMETRIES) await agree(maxPool2d(image(), g.kernel, g), loops(g, (list) => Math.max(...list)));
});

Deno.test("maxPool2d() gives the gradient to the first of equal values", async () => {
  const x = tensor([1, 2, 2, 2], [1, 1, 2, 2]);
  const [g] = grad(maxPool2d(x, 2).sum(), [x]);
  assertEquals([...await g.data()], [0, 1, 0, 0]);
});

Deno.test("adaptiveAvgPool2d() shares the image out evenly, also where it grows", async () => {
  const x = tensor([1, 2, 3, 4, 5], [1, 1, 1, 5]);
  assertEquals([...await adaptiveAvgPool2d(x, [1, 5]).data()], [1, 2, 3, 4, 5]);
  await agree(adaptiveAvgPool2d(x, [1, 2]), [2, 4]);
  await agree(adaptiveAvgPool2d(x, [2, 7]), [1, 1.5, 2.5, 3, 3.5, 4.5, 5, 1, 1.5, 2.5, 3, 3.5, 4.5, 5]);
});

Deno.test("pooling refuses what has no window, by name", () => {
  assertThrows(() => avgPool2d(image(), 9), RangeError, "Cannot apply avgPool2d to [1, 2, 7, 6] with kernel [9, 9]");
  assertThrows(() => maxPool2d(image(), 2, { padding: 2 }), RangeError, "padding of at most half a window");
  assertThrows(() => maxPool2d(tensor([1, 2]), 2), RangeError, "Cannot apply maxPool2d to [2]: expected [N, C, H, W]");
  assertThrows(() => adaptiveAvgPool2d(image(), 0), RangeError, "to size [0, 0]");
});

Deno.test("adaptiveMaxPool2d() takes the largest of windows that share the image out, once", async () => {
  const x = tensor([[[[1, 5, 2, 4, 4], [0, 3, 7, 1, 4]]]]);
  const y = adaptiveMaxPool2d(x, [1, 3]);
  const [g] = grad(y.mul(tensor([1, 10, 100])).sum(), [x]);
  // Columns 0-1, 1-3 and 3-4
  assertEquals([...await y.data()], [5, 7, 4]);
  assertEquals([...await g.data()], [0, 1, 0, 100, 0, 0, 0, 10, 0, 0]);
  assertEquals([...await adaptiveMaxPool2d(x, [4, 1]).data()], [5, 5, 7, 7]);
});
