/** The results of onnxruntime-web, from its own process. */
import { writeOnnx } from "@dipp/onnx";
import type { Answer, Request } from "./onnxruntime.ts";

/** Elements of the host, row-major. */
export interface HostValue {
  /** Lengths of the axes. */
  readonly shape: readonly number[];
  /** The elements. */
  readonly data: Float64Array;
}

/** An input and its ONNX type. */
export interface HostInput extends HostValue {
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly type: string;
}

/**
 * Runs a model by onnxruntime-web (WebAssembly, one thread, no graph optimisation).
 *
 * @param model Path of the model.
 * @param inputs Its inputs.
 * @param outputs Values of the graph that are wanted beside its outputs.
 * @param external Files beside it that hold constants.
 * @returns What is wanted and the outputs, by name.
 * @throws {Error} If onnxruntime refuses the model, or cannot be started.
 */
export async function runOnnxruntime(
  model: string,
  inputs: readonly HostInput[],
  outputs: readonly string[],
  external: readonly string[] = [],
): Promise<Map<string, HostValue>> {
  const folder = await Deno.makeTempDir({ prefix: "onnx_check_" });
  try {
    const request: Request = {
      model: await Deno.realPath(model),
      external,
      outputs,
      inputs: inputs.map(({ name, type, shape }) => ({ name, type, shape })),
    };
    await Deno.writeTextFile(`${folder}/request.json`, JSON.stringify(request));
    inputs.forEach(({ data }, i) =>
      Deno.writeFileSync(`${folder}/input-${i}.f64`, new Uint8Array(data.slice().buffer))
    );
    const here = import.meta.dirname!;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      // deno-fmt-ignore
      args: [
        "run", "--quiet", "--frozen", "--allow-read", `--allow-write=${folder}`, "--allow-env", "--allow-sys",
        "--config", `${here}/onnxruntime.json`, `${here}/onnxruntime.ts`, folder,
      ],
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(`onnxruntime-web could not run: ${new TextDecoder().decode(stderr).trim()}`);
    const answer: Answer = JSON.parse(await Deno.readTextFile(`${folder}/answer.json`));
    if (answer.error !== undefined) throw new Error(`onnxruntime-web refuses ${model}: ${answer.error}`);
    return new Map(answer.outputs.map(({ name, shape }, i) => {
      return [name, { shape, data: new Float64Array(Deno.readFileSync(`${folder}/output-${i}.f64`).buffer) }];
    }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Whether onnxruntime-web is here: it is fetched from the npm registry the first time.
 *
 * @throws {Error} If it is, but does not work.
 */
export async function isAvailable(): Promise<boolean> {
  const path = await Deno.makeTempFile({ suffix: ".onnx" });
  try {
    const x = { name: "x", type: "float32", shape: [1] } as const;
    const nodes = [{ opType: "Neg", inputs: ["x"], outputs: ["y"] }];
    await Deno.writeFile(path, writeOnnx({ opset: 17, inputs: [x], outputs: [{ ...x, name: "y" }], nodes }));
    const y = await runOnnxruntime(path, [{ ...x, data: Float64Array.of(2) }], []);
    return y.get("y")?.data[0] === -2;
  } catch (error) {
    if (/sending request|dns|connect/i.test((error as Error).message)) return false;
    throw error;
  } finally {
    await Deno.remove(path);
  }
}
