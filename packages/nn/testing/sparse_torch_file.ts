/** Checkpoints of full size that take no room: a file of `torch.save` whose storages are holes of the disk. */
import { le, p, type Part, pickle } from "./torch_file.ts";

/**
 * Writes a checkpoint of float32 tensors, all zero, under their released names and shapes.
 *
 * @param path The file; up to 4 GiB.
 * @param shapes Shapes by name.
 * @param entry The entry of the saved dict that holds them; the dict itself where it is left out.
 */
export async function writeSparseTorchFile(
  path: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  entry?: string,
): Promise<void> {
  const tensors: Record<string, Part[]> = {};
  const entries: { name: string; length: number; bytes?: Uint8Array }[] = [];
  for (const [name, shape] of shapes) {
    const key = `${entries.length}`, size = shape.reduce((n, d) => n * d, 1);
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1));
    tensors[name] = p.tensor(key, size, [...shape], strides);
    entries.push({ name: `archive/data/${key}`, length: 4 * size });
  }
  const state = p.dict(tensors);
  const bytes = pickle(...(entry === undefined ? state : p.dict({ [entry]: state })));
  entries.unshift({ name: "archive/data.pkl", length: bytes.length, bytes });

  using file = await Deno.open(path, { create: true, write: true, truncate: true });
  const write = async (part: Uint8Array) => {
    for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
    return part.length;
  };
  let at = 0;
  const directory: Uint8Array[] = [];
  for (const { name, length, bytes } of entries) {
    const label = new TextEncoder().encode(name), begin = at;
    at += await write(le("42222244422", 0x04034b50, 20, 0, 0, 0, 0, 0, length, length, label.length, 0));
    at += await write(label);
    if (bytes) await write(bytes);
    at += length;
    await file.seek(at, Deno.SeekMode.Start);
    const sizes = [length, length, label.length];
    directory.push(le("42222224442222244", 0x02014b50, 20, 20, 0, 0, 0, 0, 0, ...sizes, 0, 0, 0, 0, 0, begin), label);
  }
  const begin = at;
  for (const part of directory) at += await write(part);
  await write(le("42222442", 0x06054b50, 0, 0, entries.length, entries.length, at - begin, begin, 0));
}
