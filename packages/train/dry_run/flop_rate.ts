/** How fast this machine computes, measured where it is asked. */
import { compile, conv2d, type Device, key, randn, realize, type Tensor } from "@dipp/tensor";

/** Seconds that are measured. */
const LEAST = 0.4;

/**
 * Measures products and 3x3 convolutions of the sizes that networks are made of, half of the operations each.
 *
 * @param device The device.
 * @returns Floating-point operations a second.
 */
export async function measureFlopRate(device: Device): Promise<number> {
  const isSlow = device.adapterClass === "software" || device.adapterClass === "cpu";
  const n = isSlow ? 768 : 4096, side = isSlow ? 16 : 64;
  const a = randn(key(1), [n, n]), b = randn(key(2), [n, n]);
  const x = randn(key(3), [isSlow ? 2 : 8, 320, side, side]), w = randn(key(4), [320, 320, 3, 3]);
  await realize(a, b, x, w);
  const product = await rate(device, (c) => a.matmul(b.mul(c)), 2 * n ** 3);
  const convolution = await rate(device, (c) => conv2d(x.mul(c), w, { padding: 1 }), 2 * 9 * 320 * x.size);
  for (const t of [a, b, x, w]) t.dispose();
  return 2 / (1 / product + 1 / convolution);
}

/** Twice as many runs until they take long enough for one wait not to count. */
async function rate(device: Device, work: (scale: Tensor) => Tensor, flops: number): Promise<number> {
  using run = compile(({ scale }: Record<string, Tensor>) => work(scale).slice([[0, 1]]).sum());
  const scale = randn(key(5), []);
  await scale.realize();
  await run({ scale }).data();
  for (let runs = 1;; runs *= 2) {
    const began = performance.now();
    for (let i = 0; i < runs; i++) run({ scale }).dispose();
    await device.synchronize();
    const seconds = (performance.now() - began) / 1000;
    if (seconds >= LEAST) return runs * flops / seconds;
  }
}
