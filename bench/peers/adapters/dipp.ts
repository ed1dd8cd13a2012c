/** dipp, through its public interface: `compile()`; on either device. */
import {
  type AdamState,
  adamw,
  assignTree,
  gradTree,
  type PackedParams,
  Packing,
  type Params,
  realizeParams,
} from "@dipp/nn";
import {
  compile,
  conv2d,
  type Device,
  groupNorm,
  init,
  key,
  layerNorm,
  mseLoss,
  realize,
  scaledDotProductAttention,
  type Tensor,
  tensor,
  treeWithLeaves,
  vjp,
  zeros,
} from "@dipp/tensor";
import { ADAMW, EPS, type Implementation, type Job, type Setting, type Stateless, type Work } from "../row.ts";
import { makeNetwork } from "../rows/training.ts";

/** Starts the device. */
export async function load({ device: kind, threads }: Setting): Promise<Implementation> {
  const device = await init({ device: kind, threads });
  let lastSubmit = 0;
  const isCounted = kind === "wasm";
  return {
    name: "dipp",
    ...(isCounted && { counted: () => ({ ...device.stats(), lastSubmit }) }),
    async prepare(work, inputs) {
      const leaves = inputs.map(({ values, shape }) => tensor(values, shape));
      await realize(...leaves);
      const step = await compileWork(work, leaves, device);
      let last: Tensor[] = [];
      const job: Job = {
        run() {
          last.forEach((t) => t.dispose());
          last = step();
          lastSubmit = performance.now();
        },
        wait: device.synchronize,
        results: async () => (await Promise.all(last.map((t) => t.data()))).map((values) => values as Float32Array),
        free: () => [...leaves, ...last].forEach((t) => t.dispose()),
      };
      return job;
    },
  };
}

async function compileWork(work: Work, leaves: Tensor[], device: Device): Promise<() => Tensor[]> {
  if (work.op === "adamw") return await optimiser(work, leaves);
  if (work.op === "train") return await training(work, leaves);
  // What trains is no part of what the peers' processes know
  if (work.op === "align") return await (await import("./dipp_align.ts")).alignment(work.config, device);
  const step = compile((_: Record<string, Tensor>) => stateless(work, leaves));
  return () => step({});
}

/** The results of work that keeps no state. */
export function stateless(work: Stateless, [a, b, c, d]: Tensor[]): Tensor[] {
  switch (work.op) {
    case "matmul":
      return [a.matmul(b)];
    case "conv2d": {
      if (work.pass === "forward") return [conv2d(a, b, { padding: 1 })];
      // Linear in each argument: what the other one is does not matter
      if (work.pass === "inputGrad") {
        const x = zeros([a.shape[0], b.shape[1], ...a.shape.slice(2)]);
        return vjp([conv2d(x, b, { padding: 1 })], [a], [x]);
      }
      const weight = zeros([b.shape[1], a.shape[1], 3, 3]);
      return vjp([conv2d(a, weight, { padding: 1 })], [b], [weight]);
    }
    case "groupNormSilu":
      return [groupNorm(a, work.groups, { weight: b, bias: c, eps: EPS }).silu()];
    case "layerNorm":
      return [layerNorm(a, { weight: b, bias: c, eps: EPS })];
    case "attention": {
      const out = scaledDotProductAttention(a, b, c);
      return work.pass === "forward" ? [out] : vjp([out], [d], [a, b, c]);
    }
    case "chain": {
      let x = a;
      for (let i = 0; i < work.rounds; i++) x = x.mul(b).add(a).tanh().mul(0.5);
      return [x];
    }
  }
}

async function optimiser(work: Work & { op: "adamw" }, leaves: Tensor[]): Promise<() => Tensor[]> {
  const [params, grads] = [leaves.slice(0, leaves.length / 2), leaves.slice(leaves.length / 2)];
  const rule = adamw(ADAMW);
  const state = await realizeParams(rule.init(params));
  const step = compile((_: Record<string, Tensor>) => {
    const next = rule.update<Tensor[]>(params, grads, state);
    assignTree(params, next.params);
    assignTree(state, next.state);
    return work.shown.map((i) => next.params[i]);
  });
  return () => step({});
}

async function training(work: Work & { op: "train" }, leaves: Tensor[]): Promise<() => Tensor[]> {
  const network = makeNetwork(work.network, work.config);
  const [sample, timestep, encoderHiddenStates, wanted] = leaves;
  const tree: Params = treeWithLeaves<Tensor, Tensor>(network.init(key(0)), leaves.slice(4));
  const packing = new Packing(tree);
  const packed: PackedParams = await realizeParams(packing.pack(tree));
  const rule = adamw(ADAMW);
  const state: AdamState = await realizeParams(rule.init(packed));
  const apply = network.apply.bind(network) as (params: Params, inputs: object) => Tensor;
  const step = compile((_: Record<string, Tensor>) => {
    const params = packing.unpack(packed);
    const loss = mseLoss(apply(params, { sample, timestep, encoderHiddenStates }), wanted);
    const next = rule.update<PackedParams>(packed, packing.pack(gradTree(loss, params)), state);
    assignTree(packed, next.params);
    assignTree(state, next.state);
    return [loss];
  });
  return () => step({});
}
