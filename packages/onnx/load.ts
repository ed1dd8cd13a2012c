/** Reading models. */
import { realizeParams } from "@dipp/nn";
import type { Tensor } from "@dipp/tensor";
import { isFloat } from "./element_type.ts";
import { describe, foldConstants, type Scope, unsupported } from "./evaluate.ts";
import { folderReader, type ReadExternal, readExternalData } from "./external_data.ts";
import { makeGraph } from "./graph.ts";
import { libraryOf } from "./inline.ts";
import { GraphModel, type OnnxModel } from "./model.ts";
import { parseModel } from "./proto/parse.ts";
import { sizeOf } from "./shape.ts";
import type { HostArray } from "./tensor_data.ts";
import { upload, Value } from "./value.ts";

/** How a model is read. */
export interface LoadOptions {
  /**
   * Gives constants that lie in files of their own; by default read from the model's folder, where it is given by a
   * path.
   */
  readonly readExternal?: ReadExternal;
}

/** Oldest opset whose operators mean here what they mean there. */
const OLDEST_OPSET = 7;

/** Elements up to which a parameter's values are also known on the host, for operators that want numbers. */
const SMALL = 64;

/**
 * Reads an ONNX model into a function of lazy tensors, differentiable in its inputs and parameters. Opset 11 to 24 (and
 * what 7 to 10 have in common with them), in inference mode.
 *
 * @param source Its path, or its bytes.
 * @param options How to find external data.
 * @returns The model; its parameters lie on the device.
 * @throws {SyntaxError} If the file is malformed: truncated, of wrong wire types, a tensor of another size than it says,
 * a value that is not defined, or that depends on itself.
 * @throws {RangeError} If an operator is not supported; the message names it, the node and the opset.
 * @throws {TypeError} If an element type is not supported.
 *
 * @example The gradient of a model in its input
 * ```ts
 * import { loadOnnx } from "@dipp/onnx";
 * import { grad, tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * // One node: y = Relu(x), x float [2]
 * const x = [10, 1, 120, 18, 8, 10, 6, 8, 1, 18, 2, 10, 0];
 * const y = [10, 1, 121, 18, 8, 10, 6, 8, 1, 18, 2, 10, 0];
 * const node = [10, 1, 120, 18, 1, 121, 34, 4, 82, 101, 108, 117];
 * const graph = [10, node.length, ...node, 90, x.length, ...x, 98, y.length, ...y];
 * const model = await loadOnnx(Uint8Array.of(8, 8, 58, graph.length, ...graph, 66, 2, 16, 17));
 * const input = tensor([-1, 2]);
 * const outputs = model.run({ x: input });
 * assertEquals([...await outputs.y.data()], [0, 2]);
 * assertEquals([...await grad(outputs.y.sum(), [input])[0].data()], [0, 1]);
 * ```
 */
export async function loadOnnx(source: string | Uint8Array, options: LoadOptions = {}): Promise<OnnxModel> {
  const isPath = typeof source === "string";
  const name = isPath ? source : "the model";
  const bytes = isPath ? await Deno.readFile(source) : source;
  const readExternal = options.readExternal ?? (isPath ? folderReader(folderOf(source)) : refuseExternal);
  const proto = parseModel(bytes, name);
  try {
    const external = await readExternalData(proto, readExternal);
    const library = libraryOf(proto);
    const opset = library.opsets.get("");
    if (opset !== undefined && opset < OLDEST_OPSET) {
      throw new RangeError(`its opset is ${opset}: expected at least ${OLDEST_OPSET}`);
    }
    const graph = makeGraph(proto.graph!, { ...library, external });
    const [first, ...others] = unsupported(graph);
    if (first) {
      const more = [...new Set(others.map((n) => n.opType).filter((op) => op !== first.opType))];
      const also = more.length > 0 ? `; nor are ${more.join(", ")}` : "";
      throw new RangeError(`operator ${first.opType} of ${describe(first)} is not supported${also}`);
    }
    const { constants, parameters } = makeConstants(graph.initializers);
    const nodes = foldConstants(graph.nodes, constants);
    await realizeParams(parameters);
    return new GraphModel({ graph, nodes, constants, parameters, opsets: Object.fromEntries(library.opsets) });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const message = `Cannot import ${name}: ${error.message}`;
    if (error instanceof SyntaxError) throw new SyntaxError(message, { cause: error });
    if (error instanceof TypeError) throw new TypeError(message, { cause: error });
    if (error instanceof RangeError) throw new RangeError(message, { cause: error });
    throw error;
  }
}

/** Initializers as values; those that can be trained as parameters. */
function makeConstants(
  initializers: ReadonlyMap<string, HostArray>,
): { constants: Scope; parameters: Record<string, Tensor> } {
  const constants: Scope = new Map();
  const parameters: Record<string, Tensor> = {};
  for (const [name, array] of initializers) {
    if (!isFloat(array.type) || array.shape.length === 0) {
      // The bytes of the whole file would live as long as a view of them
      constants.set(name, Value.ofHost({ ...array, data: copyOf(array.data) }));
      continue;
    }
    const tensor = upload(array);
    parameters[name] = tensor;
    const isSmall = sizeOf(array.shape) <= SMALL;
    constants.set(
      name,
      isSmall
        ? Value.ofParameter({ ...array, data: copyOf(array.data) }, () => tensor)
        : Value.ofTensor(tensor, array.type),
    );
  }
  return { constants, parameters };
}

function copyOf(data: ArrayLike<number>): ArrayLike<number> {
  return ArrayBuffer.isView(data) ? Float64Array.from(data) : data;
}

function folderOf(path: string): string {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return at < 0 ? "." : path.slice(0, at) || "/";
}

function refuseExternal(location: string): Promise<Uint8Array> {
  throw new TypeError(`file "${location}" is wanted: expected the model's path, or readExternal`);
}
