import { checkDescribed, type Entries, readEntries } from "./entries.ts";
import { GoldenCase } from "./golden_case.ts";
import { isObject, type JsonObject } from "./json.ts";

/** Where a tensor of a manifest case is, and what it is. */
interface Place {
  readonly key: string;
  readonly shape?: readonly number[];
  readonly dtype?: string;
}

/** What a manifest says of one case. */
interface ManifestEntry {
  readonly file: string;
  readonly inputs: Readonly<Record<string, Place>>;
  readonly outputs: readonly Place[];
  readonly cotangents?: readonly (string | null)[];
  readonly grads?: Readonly<Record<string, string>>;
  readonly tolerance: { readonly rel: number; readonly rel_grad?: number | null };
}

/**
 * Reads a case that is an entry of a manifest. Its tensors get the names that those of a folder have: inputs their own,
 * cotangents `cotangent.<k>`, outputs `output.<k>`, and gradients `grad.<input>`.
 *
 * @param folder The manifest's folder.
 * @param info The entry.
 * @param files The safetensors files read so far; many cases share one.
 * @returns The case.
 * @throws {Error} If the entry is incomplete, its file is missing or truncated, or a tensor is not what the entry says.
 */
export function readManifestCase(folder: string, info: JsonObject, files: Map<string, Entries>): GoldenCase {
  for (const name of ["file", "inputs", "outputs", "tolerance"]) {
    if (!(name in info)) throw new TypeError(`its entry in the manifest has no "${name}"`);
  }
  const entry = info as unknown as ManifestEntry;
  const path = `${folder}/${entry.file}`;
  if (!files.has(path)) files.set(path, readEntries(path));
  const stored = files.get(path)!;
  const pick = (places: [string, Place][]): Entries => {
    const entries = new Map(places.map(([name, { key, shape, dtype }]) => {
      const tensor = stored.get(key);
      if (!tensor) throw new RangeError(`${path} has no tensor "${key}"`);
      if (shape) checkDescribed(stored, { [key]: { shape, dtype } }, entry.file);
      return [name, tensor];
    }));
    return entries;
  };
  const { rel, rel_grad } = entry.tolerance;
  const grads = Object.entries(isObject(entry.grads) ? entry.grads : {});
  const outputs: [string, Place][] = entry.outputs.map((place, k) => [`output.${k}`, place]);
  const gradients: [string, Place][] = grads.map(([name, key]) => [`grad.${name}`, { key: key as string }]);
  const cotangents: [string, Place][] = (entry.cotangents ?? []).flatMap((key, k) =>
    key === null ? [] : [[`cotangent.${k}`, { key }]]
  );
  return new GoldenCase({
    info,
    weights: new Map(),
    inputs: pick([...Object.entries(entry.inputs), ...cotangents]),
    outputs: pick([...outputs, ...gradients]),
    bounds: Object.fromEntries([
      ...outputs.map(([name]) => [name, rel]),
      ...gradients.map(([name]) => [name, rel_grad]),
    ]),
  });
}
