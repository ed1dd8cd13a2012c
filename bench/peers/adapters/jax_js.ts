/** jax-js: everything inside `jit`. */
import {
  ADAMW,
  type Data,
  EPS,
  type Implementation,
  type Job,
  permuted,
  type Setting,
  type Stateless,
  type Training,
  Unsupported,
  type Work,
} from "../row.ts";
import type { JaxArray, JaxModule, JaxTree } from "./jax_api.ts";
import { dit, type DiTConfig } from "./jax_dit.ts";
import { JaxLayers } from "./jax_layers.ts";
import { setThreads } from "./jax_threads.ts";
import { unet, type UNetConfig } from "./jax_unet.ts";

/** A compiled function and what it is called with; `keep` says how many results come back as first arguments. */
interface Program {
  readonly call: (...args: JaxTree[]) => JaxTree;
  readonly args: JaxTree[];
  readonly keep: number;
}

// Its own functions want attention's heads behind the sequence
const HEADS_LAST = [0, 2, 1, 3];

/** Starts the device. */
export async function load({ device, threads }: Setting): Promise<Implementation> {
  const counted = device === "wasm" ? setThreads(threads) : undefined;
  const jax: JaxModule = await import("@jax-js/" + "jax");
  await jax.init(device);
  jax.defaultDevice(device);
  return {
    name: "jax-js 0.1.25",
    ...(counted ? { counted } : { device: jax.getWebGPUDevice() }),
    prepare: (work, inputs) => makeJob(jax, work, inputs),
  };
}

function makeJob(jax: JaxModule, work: Work, inputs: readonly Data[]): Job {
  const laidOut = work.op === "attention" ? inputs.map((x) => permuted(x, HEADS_LAST)) : inputs;
  const arrays = laidOut.map(({ values, shape }) => jax.numpy.array(values, { shape: [...shape] }));
  const { call, args, keep } = makeProgram(jax, work, arrays);
  // A result that is let go before the wait is never computed
  const results: JaxArray[] = [];
  let shown = 0;
  return {
    run() {
      const outputs = call(...args.map(reference)) as JaxTree[];
      outputs.splice(0, keep).forEach((state, i) => args[i] = state);
      shown = outputs.length;
      results.push(...outputs as JaxArray[]);
    },
    async wait() {
      await jax.blockUntilReady(results);
      results.splice(0, results.length - shown).forEach((t) => t.dispose());
    },
    async results() {
      const values = await Promise.all(results.slice(-shown).map((t) => t.ref.data()));
      if (work.op !== "attention") return values;
      return values.map((v, i) => permuted({ shape: results[i].shape, values: v }, HEADS_LAST).values);
    },
    free: () => [...results, ...args].forEach(dispose),
  };
}

function makeProgram(jax: JaxModule, work: Work, arrays: JaxArray[]): Program {
  if (work.op === "align") throw new Unsupported("the main job is written for dipp only");
  if (work.op === "adamw") {
    const half = arrays.length / 2;
    const params = arrays.slice(0, half);
    const call = jax.jit((state: State, grads: JaxArray[]) => {
      const next = adamw(jax, state, grads);
      return [next, ...work.shown.map((i) => next.params[i].ref)];
    });
    return { call, args: [initialState(jax, params), arrays.slice(half)], keep: 1 };
  }
  if (work.op === "train") {
    const [x, time, context, wanted, ...params] = arrays;
    const loss = lossOf(jax, work);
    const call = jax.jit((state: State, ...inputs: JaxArray[]) => {
      const [value, grads] = jax.valueAndGrad(loss)(state.params.map((p) => p.ref), ...inputs);
      return [adamw(jax, state, grads), value];
    });
    return { call, args: [initialState(jax, params), x, time, context, wanted], keep: 1 };
  }
  return { call: jax.jit((...args: JaxArray[]) => stateless(jax, work, args)), args: arrays, keep: 0 };
}

function stateless(jax: JaxModule, work: Stateless, args: JaxArray[]): JaxArray[] {
  const [a, b, c, d] = args;
  const { numpy, nn, lax } = jax;
  const conv = (x: JaxArray, weight: JaxArray) => lax.convGeneralDilated(x.ref, weight.ref, [1, 1], [[1, 1], [1, 1]]);
  const layers = () => new JaxLayers(jax, new Map([["norm.weight", b], ["norm.bias", c]]));
  switch (work.op) {
    case "matmul":
      return [numpy.matmul(a, b)];
    case "conv2d": {
      if (work.pass === "forward") return [conv(a, b)];
      // Linear in each argument: what the other one is does not matter
      if (work.pass === "inputGrad") return jax.vjp((x) => conv(x, b), [zeros(jax, a.shape)])[1](a);
      const shape = [b.shape[1], a.shape[1], 3, 3];
      return jax.vjp((weight) => conv(a, weight), [zeros(jax, shape)])[1](b);
    }
    case "groupNormSilu":
      return [layers().silu(layers().groupNorm("norm", a, work.groups, EPS))];
    case "layerNorm":
      return [layers().layerNorm("norm", a, EPS)];
    case "attention":
      if (work.pass === "forward") return [nn.dotProductAttention(a, b, c)];
      return jax.vjp((q, k, v) => nn.dotProductAttention(q, k, v), [a, b, c])[1](d);
    case "chain": {
      let x = a.ref;
      for (let i = 0; i < work.rounds; i++) x = numpy.tanh(x.mul(b.ref).add(a.ref)).mul(0.5);
      return [x];
    }
  }
}

function lossOf(jax: JaxModule, work: Training): (params: JaxArray[], ...rest: JaxArray[]) => JaxArray {
  const config = work.config as unknown;
  return (params, x, time, context, wanted) => {
    const layers = new JaxLayers(jax, new Map(params.map((p, i) => [work.names[i], p])));
    const output = work.network === "unet"
      ? unet(layers, config as UNetConfig, x, time, context)
      : dit(layers, config as DiTConfig, x, time, context);
    return jax.numpy.square(output.sub(wanted.ref)).mean();
  };
}

type State = { step: JaxArray; params: JaxArray[]; mean: JaxArray[]; square: JaxArray[] };

function zeros(jax: JaxModule, shape: readonly number[]): JaxArray {
  return jax.numpy.array(new Float32Array(shape.reduce((a, b) => a * b, 1)), { shape: [...shape] });
}

function initialState(jax: JaxModule, params: JaxArray[]): State {
  const moments = () => params.map((p) => zeros(jax, p.shape));
  return { step: zeros(jax, []), params, mean: moments(), square: moments() };
}

function adamw(jax: JaxModule, state: State, grads: JaxArray[]): State {
  const { numpy } = jax;
  const { lr, betas: [beta1, beta2], eps, weightDecay } = ADAMW;
  const step = state.step.ref.add(1);
  const left = (beta: number) => numpy.power(beta, step.ref).mul(-1).add(1);
  const [correction1, correction2] = [left(beta1), left(beta2)];
  const mean = state.mean.map((m, i) => m.ref.mul(beta1).add(grads[i].ref.mul(1 - beta1)));
  const square = state.square.map((v, i) => v.ref.mul(beta2).add(numpy.square(grads[i].ref).mul(1 - beta2)));
  const params = state.params.map((p, i) => {
    const root = numpy.sqrt(square[i].ref.div(correction2.ref)).add(eps);
    return p.ref.mul(1 - lr * weightDecay).sub(mean[i].ref.div(correction1.ref).div(root).mul(lr));
  });
  return { step, params, mean, square };
}

function reference(tree: JaxTree): JaxTree {
  if (Array.isArray(tree)) return tree.map(reference);
  if (isArray(tree)) return tree.ref;
  return Object.fromEntries(Object.entries(tree).map(([name, part]) => [name, reference(part)]));
}

function dispose(tree: JaxTree): void {
  if (isArray(tree)) tree.dispose();
  else Object.values(tree).forEach(dispose);
}

function isArray(tree: JaxTree): tree is JaxArray {
  return !Array.isArray(tree) && typeof tree.dispose === "function";
}
