/**
 * Runs a network of the released size forward and backward, with random weights, on this machine.
 *
 *     deno task full-size [--model stable-diffusion-v1-5] [--size 256] [--dtype bf16] [--steps 1] [--device wasm]
 *
 * @module
 */
import { parameterCount, type Params } from "@dipp/nn";
import { architecture, ARCHITECTURE_NAMES, condFields, LatentDiffusion } from "@dipp/scores";
import {
  compile,
  type DeviceName,
  type DType,
  explain,
  fold,
  full,
  grad,
  init,
  key,
  ones,
  randn,
  type Tensor,
  treeEntries,
  treeLeaves,
  treeWithLeaves,
  zeros,
} from "@dipp/tensor";
import { planPrompts } from "../packages/train/diffusers/prompt_stream.ts";
import { readFlags } from "./flags.ts";

const USAGE = `Usage: deno task full-size [--model NAME] [--size N] [--dtype TYPE] [--steps N] [--device NAME] [--json]

Draws random weights in the shapes of a released model (${ARCHITECTURE_NAMES.join(", ")}; stable-diffusion-v1-5) and
runs its network forward and backward at N pixels (256), one picture, --steps times (1). The gradients of all parameters
are computed and reduced to their norms. Weights are stored in TYPE (bf16) or f32; sums are in f32. Prints the plan, then
seconds and memory as measured.`;

const flags = readFlags(Deno.args, USAGE, {
  string: ["model", "size", "dtype", "steps", "device"],
  boolean: ["json"],
}, 0);
const number = (name: "size" | "steps", otherwise: number) => {
  const value = flags[name] === undefined ? otherwise : Number(flags[name]);
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`--${name} is ${flags[name]}, expected a whole number, 1 or more`);
  }
  return value;
};
const name = `${flags.model ?? "stable-diffusion-v1-5"}`, dtype = (flags.dtype ?? "bf16") as DType;
if (!["f32", "f16", "bf16"].includes(dtype)) throw new TypeError(`--dtype is ${dtype}, expected f32, f16 or bf16`);
const size = number("size", 256), steps = number("steps", 1);

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
const seconds = (since: number) => (performance.now() - since) / 1000;

const device = await init(flags.device === undefined ? {} : { device: flags.device as DeviceName });
const diffusion = await LatentDiffusion.describe(architecture(name));
const { network } = diffusion, pixels = { height: size, width: size };
let began = performance.now();
const params = await randomWeights(network.init(key(0)));
console.log(`${name}, ${parameterCount(params)} parameters in ${dtype}, on ${device.name}`);
console.log(`weights drawn in ${seconds(began).toFixed(1)} s`);

const inputs = { sample: randn(key(1), diffusion.latentShape(1, pixels)), t: full([1], 500), ...await condition() };
for (const tensor of Object.values(inputs)) await tensor.realize();

/** The loss, and the squared norm of every parameter's gradient. */
function step({ sample, t, ...cond }: Record<string, Tensor>): Tensor[] {
  const loss = network.forward(params as never, sample, t, cond).square().mean();
  return [loss, ...grad(loss, treeLeaves<Tensor>(params)).map((g) => g.cast("f32").square().sum())];
}

const plan = explain(step, inputs);
console.log(
  `plan: ${plan.totals.dispatches} kernels, ${(plan.totals.flops / 1e9).toFixed(0)} GFLOP, peak memory ` +
    gib(plan.memory.peak),
);
began = performance.now();
const run = compile(step);
const first = run(inputs);
const loss = await first[0].item();
let squares = 0;
for (const square of first.slice(1)) squares += await square.item();
console.log(
  `first step, compilation included: ${seconds(began).toFixed(1)} s, loss ${loss}, gradient norm ${Math.sqrt(squares)}`,
);
if (!Number.isFinite(loss + squares) || squares === 0) {
  throw new RangeError("A loss or a gradient is not finite, or zero");
}

const times: number[] = [];
for (let i = 0; i < steps; i++) {
  const start = performance.now();
  const results = run(inputs);
  await results[0].item();
  await device.synchronize();
  times.push(seconds(start));
  results.forEach((tensor) => tensor.dispose());
}
const mean = times.reduce((a, b) => a + b, 0) / times.length;
const { rss } = Deno.memoryUsage();
console.log(
  `step: ${mean.toFixed(2)} s, ${(plan.totals.flops / mean / 1e9).toFixed(1)} GFLOP/s; process memory ${gib(rss)}`,
);
if (flags.json) {
  const { flops, dispatches } = plan.totals;
  console.log(
    JSON.stringify({ name, device: device.name, dtype, size, flops, dispatches, peak: plan.memory.peak, times, rss }),
  );
}

/** Matrices of variance one over their inputs, norms of one, biases of zero: values of a usual size everywhere. */
async function randomWeights(tree: Params): Promise<Params> {
  const leaves: Tensor[] = [];
  for (const [i, [path, { shape, ndim, size }]] of treeEntries<Tensor>(tree).entries()) {
    const drawn = ndim > 1
      ? randn(fold(key(2), i), shape).mul(Math.sqrt(shape[0] / size))
      : /norm\w*\.weight$/.test(path)
      ? ones(shape)
      : zeros(shape);
    leaves.push(await drawn.cast(dtype).realize());
  }
  return treeWithLeaves<Tensor, Tensor>(tree, leaves);
}

/** A prompt of random embeddings, and what the network is told of sizes. */
async function condition(): Promise<Record<string, Tensor>> {
  const { cond } = await planPrompts(diffusion, 1).rows([0]);
  const fields = Object.entries(condFields(cond)).map(([name, { shape, dtype }], i): [string, Tensor] => [
    name,
    dtype === "i32" ? ones(shape, "i32") : randn(fold(key(3), i), shape),
  ]);
  return { ...Object.fromEntries(fields), ...condFields(diffusion.sizeCond(pixels)) };
}
