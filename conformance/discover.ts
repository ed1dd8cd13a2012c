import type { Entries } from "./entries.ts";
import type { GoldenCase } from "./golden_case.ts";
import { isObject, readJson } from "./json.ts";
import { readFolderCase } from "./read_folder_case.ts";
import { readManifestCase } from "./read_manifest_case.ts";

/** A case that was found, not yet read. */
export interface CaseRef {
  /** Where it is: `unet/two_level`, `ops/add/same`. */
  readonly path: string;
  /** The first part of the path. */
  readonly area: string;
  /** Reads it; throws where a file is missing or truncated, or is not what the description says. */
  readonly read: () => GoldenCase;
}

/**
 * Finds every case of a directory: folders with a `case.json` and the entries of every `manifest.json`. What is broken is
 * a case too, whose reading fails: a manifest that cannot be read, a folder that `index.json` lists and that is not
 * there.
 *
 * @param root The directory.
 * @returns The cases in the order of their paths.
 * @throws {Error} If the directory is not there or cannot be read.
 */
export function discover(root: string): CaseRef[] {
  const found = new Map<string, CaseRef>();
  const add = (path: string, read: () => GoldenCase) => {
    found.set(path, { path, area: path.split("/")[0], read });
  };
  /** Adds what `list` finds, or one case that fails as `list` did. */
  const addAll = (path: string, list: () => void) => {
    try {
      list();
    } catch (error) {
      add(path, () => {
        throw error;
      });
    }
  };
  for (const { folder, path, names } of folders(root)) {
    if (names.has("case.json")) add(path, () => readFolderCase(folder));
    if (!names.has("manifest.json")) continue;
    const files = new Map<string, Entries>();
    addAll(`${path}/manifest.json`, () => {
      listOf(`${folder}/manifest.json`, "id").forEach(([id, entry]) => {
        add(`${path}/${id}`, () => readManifestCase(folder, entry, files));
      });
    });
  }
  if ([...Deno.readDirSync(root)].some(({ name }) => name === "index.json")) {
    addAll("index.json", () => {
      for (const [path] of listOf(`${root}/index.json`, "path")) {
        if (!found.has(path)) add(path, () => readFolderCase(`${root}/${path}`));
      }
    });
  }
  return [...found.values()].sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Every folder below the root, with the names of what is in it. */
function* folders(root: string, path = ""): Generator<{ folder: string; path: string; names: Set<string> }> {
  const folder = path === "" ? root : `${root}/${path}`;
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  if (path !== "") yield { folder, path, names: new Set(names) };
  for (const name of names) {
    // Not what readDir says: a link may lead to a folder
    if (name.startsWith(".") || !Deno.statSync(`${folder}/${name}`).isDirectory) continue;
    yield* folders(root, path === "" ? name : `${path}/${name}`);
  }
}

/** The list `cases` of a file, each with the string that names it. */
function listOf(file: string, key: "id" | "path"): [string, Readonly<Record<string, unknown>>][] {
  const { cases } = readJson(file);
  if (!Array.isArray(cases)) throw new TypeError(`${file} has no list "cases"`);
  return cases.map((one, i) => {
    const name = isObject(one) ? one[key] : undefined;
    if (typeof name !== "string") throw new TypeError(`case ${i} of ${file} has no "${key}"`);
    return [name, one];
  });
}
