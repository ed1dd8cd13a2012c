/**
 * onnxruntime-web on its WebGPU execution provider, where inputs and results stay on the device, or in WebAssembly, where
 * its interface has it that inputs are copied in and results out at every run.
 */
import { type Data, type Implementation, type Job, permuted, type Setting, type Work } from "../row.ts";
import { onnxModel, type Protobuf } from "./onnx_model.ts";
import { ortGraph } from "./ort_graph.ts";

interface OrtTensor {
  readonly dims: readonly number[];
  getData(): Promise<Float32Array>;
  dispose(): void;
}

interface OrtSession {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

/** What is used of onnxruntime-web. */
interface Ort {
  readonly env: {
    readonly wasm: { numThreads: number };
    readonly webgpu: { readonly device: Promise<GPUDevice> };
    logLevel: string;
  };
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: { executionProviders: string[]; preferredOutputLocation?: "gpu-buffer" },
    ): Promise<OrtSession>;
  };
  readonly Tensor: {
    new (type: "float32", values: Float32Array, dims: readonly number[]): OrtTensor;
    fromGpuBuffer(buffer: GPUBuffer, options: { dataType: "float32"; dims: readonly number[] }): OrtTensor;
  };
}

/** The inputs of a session, where they lie. */
interface Feeds {
  readonly tensors: Record<string, OrtTensor>;
  /** Waits for what was queued. */
  wait(): Promise<void>;
  free(): void;
}

// Multi-head attention takes heads behind the sequence
const HEADS_LAST = [0, 2, 1, 3];

/** Starts the library; its device comes with the first session. */
export async function load({ device: kind, threads }: Setting): Promise<Implementation> {
  const isGpu = kind === "webgpu";
  // In WebAssembly it is the package's build for Node.js that starts threads on Deno
  const ort: Ort = await import("onnxruntime-web" + (isGpu ? "/webgpu" : ""));
  const protobuf: { default: Protobuf } = await import("proto" + "bufjs");
  ort.env.wasm.numThreads = isGpu ? 1 : threads;
  ort.env.logLevel = "error";
  let device: GPUDevice | undefined;
  return {
    name: "onnxruntime-web 1.30.0",
    get device() {
      return device;
    },
    async prepare(work, inputs) {
      const job = await makeJob(ort, protobuf.default, work, inputs, isGpu);
      if (isGpu) device = await ort.env.webgpu.device;
      return job;
    },
  };
}

async function makeJob(
  ort: Ort,
  protobuf: Protobuf,
  work: Work,
  inputs: readonly Data[],
  isGpu: boolean,
): Promise<Job> {
  const isAttention = work.op === "attention";
  const laidOut = isAttention ? inputs.map((x) => permuted(x, HEADS_LAST)) : inputs;
  const model = onnxModel(protobuf, ortGraph(work, laidOut.map(({ shape }) => shape)));
  const session = await ort.InferenceSession.create(
    model,
    isGpu
      ? { executionProviders: ["webgpu"], preferredOutputLocation: "gpu-buffer" }
      : { executionProviders: ["wasm"] },
  );
  const feeds = isGpu ? await onDevice(ort, laidOut) : inMemory(ort, laidOut);
  let last: OrtTensor | undefined;
  return {
    async run() {
      last?.dispose();
      last = (await session.run(feeds.tensors)).out;
    },
    wait: feeds.wait,
    async results() {
      const values = await last!.getData();
      return [isAttention ? permuted({ shape: last!.dims, values }, HEADS_LAST).values : values];
    },
    free() {
      last?.dispose();
      feeds.free();
      session.release();
    },
  };
}

function inMemory({ Tensor }: Ort, inputs: readonly Data[]): Feeds {
  const tensors = inputs.map(({ values, shape }, i) => [`i${i}`, new Tensor("float32", values, shape)] as const);
  return { tensors: Object.fromEntries(tensors), wait: () => Promise.resolve(), free: () => {} };
}

async function onDevice({ env, Tensor }: Ort, inputs: readonly Data[]): Promise<Feeds> {
  const device = await env.webgpu.device;
  const buffers: GPUBuffer[] = [];
  const tensors = Object.fromEntries(inputs.map(({ values, shape }, i) => {
    const { COPY_DST, COPY_SRC, STORAGE } = GPUBufferUsage;
    const buffer = device.createBuffer({ size: values.byteLength, usage: STORAGE | COPY_DST | COPY_SRC });
    device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    buffers.push(buffer);
    return [`i${i}`, Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims: shape })];
  }));
  return {
    tensors,
    wait: async () => {
      await device.queue.onSubmittedWorkDone();
    },
    free: () => buffers.forEach((buffer) => buffer.destroy()),
  };
}
