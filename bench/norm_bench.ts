/**
 * Normalisations, forward and with all gradients, against the plain composition differentiated op by op.
 *
 *     deno bench -A bench/norm_bench.ts
 *
 * A time is the best of five, taken in turns, of steps submitted together and waited for once (about 11 ms in Deno, left
 * out).
 *
 * @module
 */

import { compile, groupNorm, init, key, layerNorm, randn, realize, type Tensor, vjp } from "@dipp/tensor";

const WAIT_MS = 11;
const device = await init();

/** Zero mean and unit variance, composed. */
function plain(x: Tensor, axes: number[]): Tensor {
  const centered = x.sub(x.mean(axes, true));
  return centered.mul(centered.square().mean(axes, true).add(1e-5).rsqrt());
}

type Norm = (x: Tensor, weight: Tensor, bias: Tensor) => Tensor;

const perChannel = (t: Tensor) => t.reshape([-1, 1, 1]);
const CASES: [string, number[], number, Norm, Norm][] = [
  [
    "GroupNorm + SiLU 8x320x32x32",
    [8, 320, 32, 32],
    320,
    (x, weight, bias) => groupNorm(x, 32, { weight, bias }).silu(),
    (x, weight, bias) =>
      plain(x.reshape([8, 32, -1]), [2]).reshape(x.shape).mul(perChannel(weight)).add(perChannel(bias)).silu(),
  ],
  [
    "LayerNorm 4096x768",
    [4096, 768],
    768,
    (x, weight, bias) => layerNorm(x, { weight, bias }),
    (x, weight, bias) => plain(x, [1]).mul(weight).add(bias),
  ],
];

/** Milliseconds of one of `times` steps. */
async function time(step: () => unknown, times: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < times; i++) step();
  await device.synchronize();
  return (performance.now() - start - WAIT_MS) / times;
}

for (const [name, shape, channels, ...norms] of CASES) {
  const [x, weight, bias, g] = [shape, [channels], [channels], shape].map((s, n) => randn(key(n), s));
  await realize(x, weight, bias, g);
  const steps = {
    forward: norms.map((norm) => compile(() => ({ out: norm(x, weight, bias) }))),
    "forward and backward": norms.map((norm) =>
      compile(() => ({ ...vjp([norm(x, weight, bias)], [g], [x, weight, bias]) }))
    ),
  };
  for (const [what, both] of Object.entries(steps)) {
    const group = `${name}, ${what}`;
    const run = both.map((step) => () => step({}));
    for (const step of run) await time(step, 1);
    const times = Math.max(2, Math.ceil(60 / Math.max(1, await time(run[1], 1))));
    const best = [Infinity, Infinity];
    for (let i = 0; i < 5; i++) {
      for (const [j, step] of run.entries()) best[j] = Math.min(best[j], await time(step, times));
    }
    const [ours, composed] = best.map((ms) => `${ms.toFixed(2)} ms`);
    console.log(`${group.padEnd(54)} ${ours}, composition ${composed}: ${(best[1] / best[0]).toFixed(2)} x`);
    for (const [j, kind] of ["layer", "composition"].entries()) {
      Deno.bench(`${group}, ${kind}`, { group, n: 3, warmup: 1, baseline: j === 1 }, async () => {
        await time(run[j], times);
      });
    }
  }
}
