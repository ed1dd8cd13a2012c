/** TensorFlow.js on its WebGPU or its WebAssembly backend, eager as it is; images are NHWC. */
import {
  ADAMW,
  type Data,
  EPS,
  type Implementation,
  type Job,
  permuted,
  type Setting,
  type Stateless,
  Unsupported,
  type Work,
} from "../row.ts";
import type { TfModule, TfTensor } from "./tfjs_api.ts";
import { startWasm } from "./tfjs_wasm.ts";

type Axes = readonly number[];
const NHWC: Axes = [0, 2, 3, 1];
const NCHW: Axes = [0, 3, 1, 2];
const HWIO: Axes = [2, 3, 1, 0];
const OIHW: Axes = [3, 2, 0, 1];

/** Starts the device. */
export async function load({ device, threads }: Setting): Promise<Implementation> {
  const tf: TfModule = await import("@tensorflow/" + "tfjs");
  if (device === "wasm") {
    await startWasm(tf, threads);
  } else {
    await import("@tensorflow/" + "tfjs-backend-webgpu");
    await tf.setBackend("webgpu");
    await tf.ready();
  }
  return {
    name: "tfjs 4.22.0",
    device: tf.backend().device,
    prepare: (work, inputs) => makeJob(tf, work, inputs),
  };
}

function makeJob(tf: TfModule, work: Work, inputs: readonly Data[]): Job {
  const [layouts, back] = layoutsOf(work);
  const tensors = inputs.map((input, i) => {
    const { values, shape } = layouts[i] ? permuted(input, layouts[i]) : input;
    return tf.tensor(values, [...shape]);
  });
  const { step, state } = makeStep(tf, work, tensors);
  const backend = tf.backend();
  let last: TfTensor[] = [];
  return {
    run() {
      last.forEach((t) => t.dispose());
      last = tf.tidy(step);
    },
    async wait() {
      // In WebAssembly, a call returns when it is done
      if (!backend.device) return;
      backend.endComputePassEncoder();
      backend.submitQueue();
      await drain(backend.device);
    },
    async results() {
      const data = await Promise.all(last.map(async (t) => ({ shape: t.shape, values: await t.data() })));
      return data.map((d) => back ? permuted(d, back).values : d.values);
    },
    free: () => [...tensors, ...last, ...state].forEach((t) => t.dispose()),
  };
}

/** How its inputs lie, and its results lie back. */
function layoutsOf(work: Work): [layouts: readonly Axes[], back?: Axes] {
  if (work.op === "groupNormSilu") return [[NHWC], NCHW];
  if (work.op !== "conv2d") return [[]];
  return work.pass === "weightGrad" ? [[NHWC, NHWC], OIHW] : [[NHWC, HWIO], NCHW];
}

/** A copy that is waited for: the queue is empty then. */
async function drain(device: GPUDevice): Promise<void> {
  const { COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const source = device.createBuffer({ size: 4, usage: COPY_SRC });
  const target = device.createBuffer({ size: 4, usage: COPY_DST | MAP_READ });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, 0, target, 0, 4);
  device.queue.submit([encoder.finish()]);
  await target.mapAsync(GPUMapMode.READ);
  target.unmap();
  source.destroy();
  target.destroy();
}

/** One run, to be called inside `tidy`, and the tensors that it keeps. */
function makeStep(tf: TfModule, work: Work, inputs: TfTensor[]): { step: () => TfTensor[]; state: TfTensor[] } {
  if (work.op === "train" || work.op === "align") {
    throw new Unsupported("it has no jit; the networks are written for jax-js only");
  }
  if (work.op === "conv2d" && work.pass === "weightGrad" && !tf.backend().device) {
    throw new Unsupported("it has no gradient of a convolution's weights in WebAssembly");
  }
  if (work.op !== "adamw") return { step: () => stateless(tf, work, inputs), state: [] };
  const half = inputs.length / 2;
  const [params, grads] = [inputs.slice(0, half), inputs.slice(half)];
  const moments = () => params.map((p) => tf.zeros(p.shape));
  const [mean, square] = [moments(), moments()];
  const state = [params, mean, square];
  const { lr, betas: [beta1, beta2], eps, weightDecay } = ADAMW;
  let steps = 0;
  const replace = (list: TfTensor[], i: number, value: TfTensor) => {
    list[i].dispose();
    list[i] = tf.keep(value);
  };
  const step = () => {
    steps++;
    params.forEach((p, i) => {
      const m = mean[i].mul(beta1).add(grads[i].mul(1 - beta1));
      const v = square[i].mul(beta2).add(grads[i].square().mul(1 - beta2));
      const root = v.mul(1 / (1 - beta2 ** steps)).sqrt().add(eps);
      const next = p.mul(1 - lr * weightDecay).sub(m.div(root).mul(lr / (1 - beta1 ** steps)));
      [next, m, v].forEach((value, part) => replace(state[part], i, value));
    });
    return work.shown.map((i) => params[i].add(0));
  };
  return { step, state: state.flat() };
}

function stateless(tf: TfModule, work: Stateless, [a, b, c, d]: TfTensor[]): TfTensor[] {
  const normal = (x: TfTensor, axes: number[]) => {
    const { mean, variance } = tf.moments(x, axes, true);
    return x.sub(mean).mul(variance.add(EPS).rsqrt());
  };
  switch (work.op) {
    case "matmul":
      return [tf.matMul(a, b)];
    case "conv2d": {
      if (work.pass === "forward") return [tf.conv2d(a, b, 1, "same")];
      const attributes = { strides: [1, 1], pad: "same", dataFormat: "NHWC" };
      if (work.pass === "inputGrad") {
        const inputShape = [...a.shape.slice(0, 3), b.shape[2]];
        return [tf.engine().runKernel("Conv2DBackpropInput", { dy: a, filter: b }, { ...attributes, inputShape })];
      }
      const filterShape = [3, 3, a.shape[3], b.shape[3]];
      return [tf.engine().runKernel("Conv2DBackpropFilter", { x: a, dy: b }, { ...attributes, filterShape })];
    }
    case "groupNormSilu": {
      const [batch, height, width, channels] = a.shape;
      const x = normal(a.reshape([batch, height * width, work.groups, channels / work.groups]), [1, 3])
        .reshape(a.shape).mul(b).add(c);
      return [x.mul(tf.sigmoid(x))];
    }
    case "layerNorm":
      return [normal(a, [a.shape.length - 1]).mul(b).add(c)];
    case "attention": {
      const attend = (q: TfTensor, k: TfTensor, v: TfTensor) =>
        tf.matMul(tf.softmax(tf.matMul(q, k, false, true).mul(1 / Math.sqrt(q.shape[3]))), v);
      return work.pass === "forward" ? [attend(a, b, c)] : tf.grads(attend)([a, b, c], d);
    }
    case "chain": {
      let x = a;
      for (let i = 0; i < work.rounds; i++) x = x.mul(b).add(a).tanh().mul(0.5);
      return [x];
    }
  }
}
