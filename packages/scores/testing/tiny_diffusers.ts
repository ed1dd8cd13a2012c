/**
 * Tiny directories of diffusers with random weights, for tests that go from prompts to pictures. The same bytes on every
 * machine:
 *
 *     deno run -A packages/scores/testing/tiny_diffusers.ts testdata/diffusers sd15 pixart
 *
 * @module
 */
import { serialiseSafetensors } from "@dipp/nn";
import { key } from "@dipp/tensor";
import { COMPONENTS } from "../diffusers/components.ts";
import { TINY, type TinyName } from "./tiny_families.ts";
import { tinyValues } from "./tiny_values.ts";

/**
 * Writes a directory.
 *
 * @param name Which family.
 * @param path Where; it is made.
 */
export async function writeTinyDiffusers(name: TinyName, path: string): Promise<void> {
  const { index, networks, files } = TINY[name]();
  const write = async (file: string, content: string | Uint8Array) => {
    await Deno.mkdir(`${path}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeFile(`${path}/${file}`, typeof content === "string" ? new TextEncoder().encode(content) : content);
  };
  const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  await write("model_index.json", json(index));
  for (const [folder, config] of Object.entries(networks)) {
    const className = `${config._class_name ?? (config.architectures as string[])[0]}`;
    const { make, weights } = COMPONENTS[className];
    const values = tinyValues(`${name}/${folder}`, make(config).init(key(0)));
    await write(`${folder}/config.json`, json(config));
    await write(`${folder}/${weights}.safetensors`, serialiseSafetensors(values, { format: "pt" }, { dtype: "F16" }));
  }
  for (const [file, content] of Object.entries(files)) await write(file, content);
}

if (import.meta.main) {
  const [root, ...names] = Deno.args;
  if (root === undefined || names.some((name) => !(name in TINY))) {
    console.error(`Usage: tiny_diffusers.ts FOLDER [${Object.keys(TINY).join("] [")}]`);
    Deno.exit(2);
  }
  for (const name of names) await writeTinyDiffusers(name as TinyName, `${root}/${name}`);
}
