import {
  type CheckpointReport,
  loadCheckpoint,
  type LoadCheckpointOptions,
  openTensors,
  type Params,
  type TensorFile,
} from "@dipp/nn";
import { key } from "@dipp/tensor";
import { checkDepth, type ComponentNetwork, COMPONENTS } from "./components.ts";
import { readJson } from "./read_json.ts";

/** How {@linkcode loadComponent} loads. */
export interface LoadComponentOptions extends Pick<LoadCheckpointOptions, "dtype" | "allow" | "onProgress"> {
  /** Which of several sets of weights, for instance `"fp16"` for `diffusion_pytorch_model.fp16.safetensors`. */
  readonly variant?: string;
  /** A checkpoint somewhere else, instead of the folder's own. */
  readonly weights?: string;
  /** The class, where the configuration does not say it: what `model_index.json` names. */
  readonly className?: string;
}

/** A network of a diffusers directory, without weights. */
export interface Component {
  /** Its class in diffusers or transformers. */
  readonly className: string;
  /** The network. */
  readonly network: ComponentNetwork;
  /** `config.json` as it is. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** A network of a diffusers directory. */
export interface LoadedComponent extends Component {
  /** Its parameters, on the device. */
  readonly params: Params;
  /** What did not fit. */
  readonly report: CheckpointReport;
}

/**
 * Loads a network from a folder of diffusers or transformers: `config.json`, and the weights in one safetensors file, in
 * several with an index, or as PyTorch wrote them, tensor by tensor straight onto the device. Old names (attentions of
 * autoencoders, PixArt's own) are understood.
 *
 * @param folder The folder.
 * @param options See {@linkcode LoadComponentOptions}.
 * @returns The network with its parameters.
 * @throws {TypeError} If a file is missing or not what it should be, the class is not known or its configuration wrong.
 * @throws {RangeError} If the checkpoint is broken, or lists what is missing, unexpected or of another shape.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { loadComponent } from "@dipp/scores";
 *
 * await assertRejects(() => loadComponent("/nowhere/unet"), TypeError, "config.json: there is no such file");
 * ```
 */
export async function loadComponent(folder: string, options: LoadComponentOptions = {}): Promise<LoadedComponent> {
  const { className, network, config } = await openComponent(folder, options.className);
  const { weights, names } = COMPONENTS[className];
  using file = await openWeights(folder, weights, options);
  checkDepth(config, file.tensors.size, `${folder}/config.json`);
  const ignore = "ignored" in network ? network.ignored : undefined;
  const tensors = names?.(file.tensors) ?? file.tensors;
  try {
    const { params, report } = await loadCheckpoint<Params>(network.init(key(0)), tensors, { ...options, ignore });
    return { className, network, params, config, report };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${error.message}, in ${file.name}`, { cause: error });
  }
}

/**
 * Makes the network that a folder of diffusers or transformers describes; no weights are read, there need be none.
 *
 * @param folder The folder.
 * @param className The class, where the configuration does not say it.
 * @returns The network, whose `init` gives parameters of the right names and shapes.
 * @throws {TypeError} If there is no configuration, the class is not known or its configuration wrong.
 */
export async function openComponent(folder: string, className?: string): Promise<Component> {
  const path = `${folder.replace(/\/$/, "")}/config.json`;
  return makeComponent(await readJson(path), path, className);
}

/**
 * Makes the network of a configuration.
 *
 * @param config `config.json`, parsed.
 * @param path Where it is, for errors.
 * @param className The class, where the configuration does not say it.
 * @returns The network.
 * @throws {TypeError} If the class is not known or its configuration wrong.
 */
export function makeComponent(
  config: Readonly<Record<string, unknown>>,
  path: string,
  className?: string,
): Component {
  const named = config._class_name ?? className ?? [config.architectures].flat()[0];
  const known = typeof named === "string" ? named : JSON.stringify(named) ?? "missing";
  if (!Object.hasOwn(COMPONENTS, known)) {
    throw new TypeError(`Cannot load ${path}: its class is ${known}, expected ${Object.keys(COMPONENTS).join(", ")}`);
  }
  return { className: known, network: COMPONENTS[known].make(config), config };
}

/** The first there is of the names that diffusers and transformers give to weights. */
async function openWeights(folder: string, stem: string, options: LoadComponentOptions): Promise<TensorFile> {
  if (options.weights !== undefined) return await openTensors(options.weights);
  const { variant } = options;
  const v = variant === undefined ? "" : `.${variant}`;
  const bin = stem === "model" ? "pytorch_model" : stem;
  const candidates = [
    `${stem}${v}.safetensors`,
    `${stem}.safetensors.index${v}.json`,
    `${bin}${v}.bin`,
    `${bin}.bin.index${v}.json`,
  ];
  const there = new Set([...Deno.readDirSync(folder)].map(({ name }) => name));
  const found = candidates.find((name) => there.has(name));
  if (found === undefined) {
    throw new TypeError(`Cannot load ${folder}: it has no weights, expected one of ${candidates.join(", ")}`);
  }
  return await openTensors(`${folder}/${found}`);
}
