import { assertEquals } from "@std/assert";
import { writeTinyDiffusers } from "./tiny_diffusers.ts";

const DATA = new URL("../../../testdata/diffusers/", import.meta.url).pathname;

/** The files under a folder, by path. */
function filesOf(root: string, folder = ""): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const { name, isDirectory } of Deno.readDirSync(root + folder)) {
    if (isDirectory) filesOf(root, `${folder}${name}/`).forEach((bytes, path) => files.set(path, bytes));
    else files.set(folder + name, Deno.readFileSync(root + folder + name));
  }
  return files;
}

for (const name of ["sd15", "pixart"] as const) {
  Deno.test(`writeTinyDiffusers() gives testdata/diffusers/${name}, byte for byte`, async () => {
    const path = await Deno.makeTempDir();
    await writeTinyDiffusers(name, path);
    const [made, kept] = [filesOf(`${path}/`), filesOf(`${DATA}${name}/`)];
    assertEquals([...made.keys()].sort(), [...kept.keys()].sort());
    for (const [file, bytes] of made) assertEquals(bytes, kept.get(file), file);
    await Deno.remove(path, { recursive: true });
  });
}
