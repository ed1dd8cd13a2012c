/**
 * onnxruntime-web on its WebAssembly provider, in a process of its own with a configuration of its own, so that nothing
 * else depends on it: reads `request.json` of a folder, runs the model once, and writes every output there.
 *
 * @module
 */
import { withOutputs } from "./with_outputs.ts";

/** What is asked for. */
export interface Request {
  /** Path of the model. */
  readonly model: string;
  /** Files beside it that hold constants. */
  readonly external: readonly string[];
  /** Values of the graph that are wanted beside its outputs. */
  readonly outputs: readonly string[];
  /** The inputs; their elements lie in `input-N.f64`. */
  readonly inputs: readonly { readonly name: string; readonly type: string; readonly shape: readonly number[] }[];
}

/** What came out: its elements lie in `output-N.f64`. */
export interface Answer {
  /** The outputs, in the order of the files. */
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** What went wrong, instead. */
  readonly error?: string;
}

type Elements = ArrayLike<number> | ArrayLike<bigint>;

/** What is used of onnxruntime-web. */
interface Ort {
  readonly env: { readonly wasm: { numThreads: number }; logLevel: string };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: {
      graphOptimizationLevel: "disabled";
      executionProviders: string[];
      externalData: { path: string; data: Uint8Array }[];
    }): Promise<{ run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>> }>;
  };
}

interface OrtTensor {
  readonly dims: readonly number[];
  readonly type: string;
  readonly data: Elements;
}

/** Elements in the array that onnxruntime wants for a type. */
function encode(type: string, data: Float64Array): unknown {
  switch (type) {
    case "int64":
      return BigInt64Array.from(data, BigInt);
    case "uint64":
      return BigUint64Array.from(data, BigInt);
    case "float16":
      return new Float16Array(data);
    case "float64":
      return data;
    case "bool":
    case "uint8":
      return Uint8Array.from(data);
    case "int8":
      return Int8Array.from(data);
    case "int16":
      return Int16Array.from(data);
    case "uint16":
      return Uint16Array.from(data);
    case "int32":
      return Int32Array.from(data);
    case "uint32":
      return Uint32Array.from(data);
    default:
      return Float32Array.from(data);
  }
}

async function answer(folder: string): Promise<Answer> {
  const request: Request = JSON.parse(await Deno.readTextFile(`${folder}/request.json`));
  const ort: Ort = await import("onnxruntime-web/" + "wasm");
  // Threads would need workers, and sums in one order are easier to compare
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const beside = request.model.replace(/[^/\\]*$/, "");
  const session = await ort.InferenceSession.create(
    withOutputs(await Deno.readFile(request.model), request.outputs),
    {
      graphOptimizationLevel: "disabled",
      executionProviders: ["wasm"],
      externalData: request.external.map((path) => ({ path, data: Deno.readFileSync(beside + path) })),
    },
  );
  const feeds = Object.fromEntries(request.inputs.map(({ name, type, shape }, i) => {
    const data = encode(type, new Float64Array(Deno.readFileSync(`${folder}/input-${i}.f64`).buffer));
    return [name, new ort.Tensor(type, data, shape)];
  }));
  const results = await session.run(feeds);
  const outputs = Object.entries(results).map(([name, { dims, type, data }], i) => {
    const isHalf = type === "float16" && data instanceof Uint16Array;
    const numbers = Float64Array.from(isHalf ? new Float16Array(data.buffer) : data as ArrayLike<number>, Number);
    Deno.writeFileSync(`${folder}/output-${i}.f64`, new Uint8Array(numbers.buffer));
    return { name, shape: dims };
  });
  return { outputs };
}

if (import.meta.main) {
  const [folder] = Deno.args;
  const result = await answer(folder).catch((error): Answer => ({
    outputs: [],
    error: String(error?.message ?? error),
  }));
  await Deno.writeTextFile(`${folder}/answer.json`, JSON.stringify(result));
}
