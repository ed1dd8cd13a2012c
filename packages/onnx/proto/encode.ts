/** Messages to the bytes of an ONNX file. */
import { root } from "./root.ts";

/**
 * Encodes a model.
 *
 * @param model A ModelProto as messages.ts has it; what is left out has its default.
 * @returns The bytes of a file.
 */
export function encodeModel(model: object): Uint8Array {
  // protobufjs may give a part of a larger buffer
  return Uint8Array.from(root.lookupType("Model").encode(model).finish());
}
