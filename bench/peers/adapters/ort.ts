/** onnxruntime-web on its WebGPU execution provider: inputs and results stay on the device. */
import { type Data, type Implementation, type Job, permuted, type Work } from "../row.ts";
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
      options: { executionProviders: string[]; preferredOutputLocation: "gpu-buffer" },
    ): Promise<OrtSession>;
  };
  readonly Tensor: {
    fromGpuBuffer(buffer: GPUBuffer, options: { dataType: "float32"; dims: readonly number[] }): OrtTensor;
  };
}

// Multi-head attention takes heads behind the sequence
const HEADS_LAST = [0, 2, 1, 3];

/** Starts the library; its device comes with the first session. */
export async function load(): Promise<Implementation> {
  const ort: Ort = await import("onnxruntime-web/" + "webgpu");
  const protobuf: { default: Protobuf } = await import("proto" + "bufjs");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  let device: GPUDevice | undefined;
  return {
    name: "onnxruntime-web 1.30.0",
    get device() {
      return device;
    },
    async prepare(work, inputs) {
      const job = await makeJob(ort, protobuf.default, work, inputs);
      device = await ort.env.webgpu.device;
      return job;
    },
  };
}

async function makeJob(ort: Ort, protobuf: Protobuf, work: Work, inputs: readonly Data[]): Promise<Job> {
  const isAttention = work.op === "attention";
  const laidOut = isAttention ? inputs.map((x) => permuted(x, HEADS_LAST)) : inputs;
  const model = onnxModel(protobuf, ortGraph(work, laidOut.map(({ shape }) => shape)));
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["webgpu"],
    preferredOutputLocation: "gpu-buffer",
  });
  const device = await ort.env.webgpu.device;
  const buffers: GPUBuffer[] = [];
  const feeds = Object.fromEntries(laidOut.map(({ values, shape }, i) => {
    const { COPY_DST, COPY_SRC, STORAGE } = GPUBufferUsage;
    const buffer = device.createBuffer({ size: values.byteLength, usage: STORAGE | COPY_DST | COPY_SRC });
    device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    buffers.push(buffer);
    return [`i${i}`, ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims: shape })];
  }));
  let last: OrtTensor | undefined;
  return {
    async run() {
      last?.dispose();
      last = (await session.run(feeds)).out;
    },
    async wait() {
      await device.queue.onSubmittedWorkDone();
    },
    async results() {
      const values = await last!.getData();
      return [isAttention ? permuted({ shape: last!.dims, values }, HEADS_LAST).values : values];
    },
    free() {
      last?.dispose();
      buffers.forEach((buffer) => buffer.destroy());
      session.release();
    },
  };
}
