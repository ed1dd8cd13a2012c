/** Constants that lie in files beside the model. */
import type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto } from "./proto/messages.ts";
import { declaredSize, type ExternalBytes } from "./tensor_data.ts";

/**
 * Gives bytes of a file beside the model.
 *
 * @param location The file's name, relative to the model.
 * @param offset Where to begin.
 * @param length How many bytes.
 */
export type ReadExternal = (location: string, offset: number, length: number) => Promise<Uint8Array>;

/** Every constant of a model: initializers, attributes, those of subgraphs and functions. */
export function* allTensors(model: ModelProto): Generator<TensorProto> {
  if (model.graph) yield* ofGraph(model.graph);
  for (const { node, attributeProto } of model.functions) {
    for (const one of node) yield* ofNode(one);
    for (const one of attributeProto) yield* ofAttribute(one);
  }
}

function* ofGraph(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const node of graph.node) yield* ofNode(node);
}

function* ofNode(node: NodeProto): Generator<TensorProto> {
  for (const attribute of node.attribute) yield* ofAttribute(attribute);
}

function* ofAttribute({ t, g }: AttributeProto): Generator<TensorProto> {
  if (t) yield t;
  if (g) yield* ofGraph(g);
}

/**
 * Reads all constants that lie in other files.
 *
 * @param model The model.
 * @param read Gives their bytes.
 * @returns The bytes by constant.
 * @throws {SyntaxError} If a location is missing or leads out of the model's folder, or a range is not one.
 */
export async function readExternalData(model: ModelProto, read: ReadExternal): Promise<ExternalBytes> {
  const found = new Map<TensorProto, Uint8Array>();
  for (const proto of allTensors(model)) {
    if (proto.dataLocation !== 1) continue;
    const entries = Object.fromEntries(proto.externalData.map(({ key, value }) => [key ?? "", value ?? ""]));
    const { location = "" } = entries;
    const { bytes } = declaredSize(proto);
    const [offset, length] = [Number(entries.offset ?? 0), Number(entries.length ?? bytes)];
    const fail = (why: string) => new SyntaxError(`tensor "${proto.name ?? ""}" lies in file "${location}": ${why}`);
    if (location === "" || /^([a-zA-Z]:)?[/\\]/.test(location) || location.split(/[/\\]/).includes("..")) {
      throw fail("expected a path below the model's folder");
    }
    if (!Number.isSafeInteger(offset) || offset < 0 || length !== bytes) {
      throw fail(`its offset is ${entries.offset ?? 0} and its length ${length}, expected ${bytes} bytes`);
    }
    found.set(proto, bytes === 0 ? new Uint8Array() : await read(location, offset, length));
  }
  return found;
}

/**
 * Reads parts of files in a folder.
 *
 * @param folder The model's folder.
 * @returns The reader; a range that is not in the file is a SyntaxError, found before memory is taken for it.
 */
export function folderReader(folder: string): ReadExternal {
  return async (location, offset, length) => {
    using file = await open(folder, location);
    const { size } = await file.stat();
    if (offset + length > size) {
      throw new SyntaxError(
        `file "${location}" has ${size} bytes: expected at least ${offset + length}, for ${length} from ${offset} on`,
      );
    }
    await file.seek(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const count = await file.read(bytes.subarray(done));
      if (count === null) throw new SyntaxError(`file "${location}" ended at byte ${offset + done}`);
      done += count;
    }
    return bytes;
  };
}

async function open(folder: string, location: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(`${folder}/${location}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new SyntaxError(`file "${location}" is missing: expected it beside the model, in ${folder}`);
  }
}
