import { type Params, saveCheckpoint, type SaveCheckpointOptions, writeAtomic } from "@dipp/nn";
import { COMPONENTS } from "./components.ts";

/** A network to be saved; what `loadComponent` gives is one. */
export interface SavedComponent {
  /** Its class in diffusers or transformers. */
  readonly className: string;
  /** Its `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Its parameters. */
  readonly params: Params;
}

/**
 * Saves a network as diffusers and transformers do: `config.json` and safetensors, in parts where they are large.
 *
 * @param folder The folder; it is made.
 * @param component The network.
 * @param options Element type and size of the parts.
 * @throws {TypeError} If the class is not known.
 */
export async function saveComponent(
  folder: string,
  component: SavedComponent,
  options: SaveCheckpointOptions = {},
): Promise<void> {
  const { className, config, params } = component;
  if (!Object.hasOwn(COMPONENTS, className)) {
    throw new TypeError(`Cannot save a ${className}: expected ${Object.keys(COMPONENTS).join(", ")}`);
  }
  const { weights } = COMPONENTS[className];
  const own = weights === "model" ? { architectures: [className], ...config } : { _class_name: className, ...config };
  await Deno.mkdir(folder, { recursive: true });
  await saveCheckpoint(`${folder}/${weights}.safetensors`, params, options);
  await writeJson(`${folder}/config.json`, own);
}

/**
 * Saves a pipeline in the layout of diffusers. Components without parameters, schedulers and tokenizers, are copied as
 * files.
 *
 * @param path The directory; it is made.
 * @param index What `model_index.json` is to hold, usually that of the directory that was loaded.
 * @param networks The networks by component.
 * @param copied The folders of the other components.
 * @param options Element type and size of the parts.
 * @throws {TypeError} If a class is not known.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { key } from "@dipp/tensor";
 * import { AutoencoderKL, DiffusersDirectory, saveDiffusers } from "@dipp/scores";
 *
 * const path = await Deno.makeTempDir();
 * const config = { block_out_channels: [8], norm_num_groups: 4 };
 * const vae = { className: "AutoencoderKL", config, params: new AutoencoderKL(config).init(key(0)) };
 * await saveDiffusers(path, { _class_name: "Pipeline", vae: ["diffusers", "AutoencoderKL"] }, { vae });
 * const loaded = await (await DiffusersDirectory.open(path)).load("vae");
 * assertEquals(loaded.className, "AutoencoderKL");
 * ```
 */
export async function saveDiffusers(
  path: string,
  index: Readonly<Record<string, unknown>>,
  networks: Readonly<Record<string, SavedComponent>>,
  copied: Readonly<Record<string, string>> = {},
  options: SaveCheckpointOptions = {},
): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  for (const [name, component] of Object.entries(networks)) await saveComponent(`${path}/${name}`, component, options);
  for (const [name, folder] of Object.entries(copied)) {
    await Deno.mkdir(`${path}/${name}`, { recursive: true });
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isFile) await Deno.copyFile(`${folder}/${entry.name}`, `${path}/${name}/${entry.name}`);
    }
  }
  // Last, so that a directory that was saved in part is none
  await writeJson(`${path}/model_index.json`, index);
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeAtomic(path, JSON.stringify(value, null, 2) + "\n");
}
