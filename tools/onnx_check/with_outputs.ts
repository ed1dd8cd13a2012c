/** Makes more values of a model its outputs, without decoding it. */

/** A number as protobuf writes it: seven bits a byte, the lowest first. */
function varint(n: number): number[] {
  return n < 128 ? [n] : [n % 128 + 128, ...varint(Math.floor(n / 128))];
}

/** A field that holds bytes. */
function field(number: number, bytes: Iterable<number>): number[] {
  const content = [...bytes];
  return [...varint(number * 8 + 2), ...varint(content.length), ...content];
}

/**
 * Appends outputs to a model. A message that occurs twice is one with the fields of both, so the second graph behind the
 * model adds its outputs to the first.
 *
 * @param model The bytes of an ONNX file.
 * @param names Values of its graph that are no outputs yet.
 * @returns The bytes of the model with these outputs.
 */
export function withOutputs(model: Uint8Array, names: readonly string[]): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder();
  // ModelProto.graph is field 7, GraphProto.output 12, ValueInfoProto.name 1
  const outputs = names.flatMap((name) => field(12, field(1, text.encode(name))));
  const suffix = names.length > 0 ? field(7, outputs) : [];
  const bytes = new Uint8Array(model.length + suffix.length);
  bytes.set(model);
  bytes.set(suffix, model.length);
  return bytes;
}
