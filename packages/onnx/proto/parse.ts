/** Bytes of an ONNX file to messages. */
import protobuf from "protobufjs/light.js";
import type { ModelProto } from "./messages.ts";
import { root } from "./root.ts";
import { MESSAGES } from "./schema.ts";

/**
 * Decodes an ONNX file. Constants stay views of its bytes.
 *
 * @param bytes The file.
 * @param source How to name it in errors.
 * @returns The model, every repeated field an array.
 * @throws {SyntaxError} If the bytes are no ONNX model: truncated, a field of the wrong wire type, no graph.
 */
export function parseModel(bytes: Uint8Array, source: string): ModelProto {
  let model: object;
  try {
    model = root.lookupType("Model").decode(bytes);
  } catch (error) {
    throw new SyntaxError(
      `Cannot read ${source}: it is no ONNX model or is truncated, at ${bytes.length} bytes (${
        (error as Error).message
      })`,
    );
  }
  refuseWrongWireTypes(model, "Model", source);
  const { graph, opsetImport } = model as unknown as ModelProto;
  if (!graph || opsetImport.length === 0) {
    throw new SyntaxError(
      `Cannot read ${source}: it has ${graph ? "no opset_import" : "no graph"}, so it is no ONNX model`,
    );
  }
  return model as unknown as ModelProto;
}

/**
 * The decoder sets aside what it does not know, also a known field of another wire type, which would otherwise be a
 * missing one.
 */
function refuseWrongWireTypes(message: object, type: string, source: string): void {
  const fields = MESSAGES[type];
  const { $unknowns = [] } = message as { readonly $unknowns?: readonly Uint8Array[] };
  for (const raw of $unknowns) {
    const tag = protobuf.Reader.create(raw).uint32();
    const known = Object.entries(fields).find(([, { id }]) => id === tag >>> 3);
    if (known) {
      throw new SyntaxError(
        `Cannot read ${source}: field ${known[0]} of a ${type} has wire type ${tag & 7}, not that of ${known[1].type}`,
      );
    }
  }
  for (const [name, field] of Object.entries(fields)) {
    if (!(field.type in MESSAGES)) continue;
    const value = (message as Readonly<Record<string, unknown>>)[name];
    for (const child of field.rule ? value as object[] : value ? [value as object] : []) {
      refuseWrongWireTypes(child, field.type, source);
    }
  }
}
