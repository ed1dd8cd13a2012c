/** Files like those of `torch.save`, made by hand, for tests that break them. */

/** Entries of an archive by name. */
export type ZipEntries = readonly (readonly [name: string, data: Uint8Array])[];

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Little-endian integers of 1, 2, 4 and 8 bytes: `le("1248", a, b, c, d)`. */
export function le(widths: string, ...values: number[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array([...widths].reduce((n, width) => n + Number(width), 0));
  const view = new DataView(out.buffer);
  let at = 0;
  values.forEach((value, i) => {
    const width = Number(widths[i]);
    for (let b = 0; b < width; b++) view.setUint8(at++, Number(BigInt(value) >> BigInt(8 * b) & 0xffn));
  });
  return out;
}

/** Bytes one after the other. */
export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * A zip archive of stored entries.
 *
 * @param entries The entries.
 * @param options `zip64`: sizes and offsets in their 64-bit places; `method`, `flags`: what every entry claims.
 * @returns The archive; checksums are zero.
 */
export function zip(
  entries: ZipEntries,
  { zip64 = false, method = 0, flags = 0 }: { zip64?: boolean; method?: number; flags?: number } = {},
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [], directory: Uint8Array[] = [];
  const lengthOf = (list: Uint8Array[]) => list.reduce((n, part) => n + part.length, 0);
  for (const [name, data] of entries) {
    const begin = lengthOf(parts), length = data.length;
    const extra = zip64 ? le("22888", 1, 24, length, length, begin) : new Uint8Array();
    const [size, offset] = zip64 ? [0xffffffff, 0xffffffff] : [length, begin];
    const label = utf8(name);
    parts.push(le("42222244422", 0x04034b50, 20, flags, method, 0, 0, 0, length, length, label.length, 0), label, data);
    directory.push(
      le(
        "42222224442222244",
        0x02014b50,
        20,
        20,
        flags,
        method,
        0,
        0,
        0,
        size,
        size,
        label.length,
        extra.length,
        0,
        0,
        0,
        0,
        offset,
      ),
      label,
      extra,
    );
  }
  const begin = lengthOf(parts), bytes = lengthOf(directory), count = entries.length;
  const end64 = zip64
    ? [
      le("4822448888", 0x06064b50, 44, 45, 45, 0, 0, count, count, bytes, begin),
      le("4484", 0x07064b50, 0, begin + bytes, 1),
    ]
    : [];
  const end = zip64
    ? le("42222442", 0x06054b50, 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0)
    : le("42222442", 0x06054b50, 0, 0, count, count, bytes, begin, 0);
  return join([...parts, ...directory, ...end64, end]);
}

/** A part of a pickle. */
export type Part = string | Uint8Array;

/** A pickle of protocol 2: opcodes as characters, arguments as bytes. */
export function pickle(...parts: Part[]): Uint8Array<ArrayBuffer> {
  const bytes = (part: Part) => typeof part === "string" ? Uint8Array.from(part, (c) => c.charCodeAt(0)) : part;
  return join(["\x80\x02", ...parts, "."].map(bytes));
}

/** The parts of values in a pickle. */
export const p = {
  text: (text: string): Part[] => ["X", le("4", utf8(text).length), utf8(text)],
  int: (value: number): Part[] => ["J", le("4", value)],
  tuple: (...items: Part[][]): Part[] => ["(", ...items.flat(), "t"],
  global: (module: string, name: string): Part[] => [`c${module}\n${name}\n`],
  dict: (items: Readonly<Record<string, Part[]>>): Part[] => [
    "}(",
    ...Object.entries(items).flatMap(([key, value]) => [...p.text(key), ...value]),
    "u",
  ],
  /** A float32 tensor of a storage. */
  tensor: (
    key: string,
    numel: number,
    shape: number[],
    strides: number[],
    offset = 0,
    type = "FloatStorage",
  ): Part[] => [
    ...p.global("torch._utils", "_rebuild_tensor_v2"),
    "(",
    ...p.tuple(p.text("storage"), p.global("torch", type), p.text(key), p.text("cpu"), p.int(numel)),
    "Q",
    ...p.int(offset),
    ...p.tuple(...shape.map(p.int)),
    ...p.tuple(...strides.map(p.int)),
    "\x89",
    ...p.global("collections", "OrderedDict"),
    ")R",
    "tR",
  ],
};

/**
 * A checkpoint of one pickle and its storages.
 *
 * @param parts The pickle.
 * @param storages The float32 numbers of the storages, by key.
 * @param options Those of {@linkcode zip}.
 * @returns The file.
 */
export function torchFile(
  parts: Part[],
  storages: Readonly<Record<string, readonly number[]>> = {},
  options: Parameters<typeof zip>[1] = {},
): Uint8Array<ArrayBuffer> {
  return zip([
    ["archive/data.pkl", pickle(...parts)],
    ["archive/byteorder", utf8("little")],
    ...Object.entries(storages).map(([key, values]): [string, Uint8Array] => [
      `archive/data/${key}`,
      new Uint8Array(Float32Array.from(values).buffer),
    ]),
    ["archive/version", utf8("3\n")],
  ], options);
}
