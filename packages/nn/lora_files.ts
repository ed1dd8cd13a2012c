/**
 * LoRA's factors on disk, as peft has them.
 *
 * @module
 */

import { key, type Tensor, treeEntries } from "@dipp/tensor";
import { z } from "zod";
import { writeAtomic } from "./atomic_file.ts";
import { paramsToSafetensors } from "./checkpoint.ts";
import { loadCheckpoint } from "./load_checkpoint.ts";
import { initLora, type LoraConfig } from "./lora.ts";
import { openSafetensors } from "./safetensors_open.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { Params } from "./params.ts";
import type { StoredTensor } from "./stored_tensor.ts";

/** Factors that were read, with their configuration. */
export interface LoadedLora {
  /** The factors, f32, on the device. */
  readonly lora: Params;
  /** Rank, scale and targets. */
  readonly config: Required<LoraConfig>;
}

const CONFIG = "adapter_config.json", TENSORS = "adapter_model.safetensors";

/** What a peft model calls the network inside it. */
const PEFT = "base_model.model.";

/** What the networks of a pipeline are called in diffusers' files. */
const PIPELINE = /^(unet|transformer)\./;

const off = (value: unknown) => value === null || value === undefined || value === false || value === "none";
const empty = (value: unknown) => off(value) || (typeof value === "object" && Object.keys(value!).length === 0);
const unused = (what: string, isUnused: (value: unknown) => boolean = empty) =>
  z.unknown().optional().refine(isUnused, { error: `expected no ${what}` });

// What changes the result is read or refused; the rest of peft's many settings is about training or bookkeeping.
const schema = z.looseObject({
  peft_type: z.literal("LORA"),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  target_modules: z.union([z.string(), z.array(z.string()).min(1)]),
  bias: unused("biases of its own", off),
  use_rslora: unused("other scale", off),
  use_dora: unused("magnitudes", off),
  fan_in_fan_out: unused("transposed weights", off),
  modules_to_save: unused("other modules"),
  rank_pattern: unused("other ranks"),
  alpha_pattern: unused("other scales"),
});

/**
 * Saves factors as peft's `save_pretrained` does, so that `PeftModel.from_pretrained(network, directory)` loads them:
 * `adapter_config.json`, and `adapter_model.safetensors` with names
 * `base_model.model.<path>.lora_A.weight` and `.lora_B.weight`. Paths are diffusers' names of modules.
 *
 * @param directory where; made if it is not there
 * @param lora the factors
 * @param config what they were made with
 * @throws {RangeError} when the factors are of another rank
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { initLora, linear, loadLora, saveLora } from "@dipp/nn";
 * import { init, key } from "@dipp/tensor";
 *
 * await init();
 * const base = { attn1: { to_q: linear.init(key(0), 6, 4) } };
 * const config = { rank: 2, alpha: 4, targets: ["to_q"] };
 * const directory = await Deno.makeTempDir();
 * await saveLora(directory, initLora(key(1), base, config), config);
 * const loaded = await loadLora(directory, base);
 * assertEquals(loaded.config, config);
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export async function saveLora(directory: string, lora: Params, config: LoraConfig): Promise<void> {
  const { rank, alpha = rank, targets } = config;
  const wrong = treeEntries<Tensor>(lora).find(([path, { shape }]) =>
    shape[path.endsWith(".lora_A.weight") ? 0 : 1] !== rank
  );
  if (wrong) {
    throw new RangeError(`Cannot save LoRA: "${wrong[0]}" is [${wrong[1].shape.join(", ")}], not of rank ${rank}`);
  }
  const described = {
    base_model_name_or_path: null,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: rank,
    target_modules: targets,
    task_type: null,
    use_dora: false,
    use_rslora: false,
  };
  await Deno.mkdir(directory, { recursive: true });
  await writeSafetensors(`${directory}/${TENSORS}`, await paramsToSafetensors(lora, PEFT), { format: "pt" });
  await writeAtomic(`${directory}/${CONFIG}`, JSON.stringify(described, null, 2) + "\n");
}

/**
 * Loads factors that peft saved, or {@linkcode saveLora}. The names may begin with `base_model.model.` as peft's,
 * with `unet.` or `transformer.` as diffusers', or with the path itself.
 *
 * @param directory with `adapter_config.json` and `adapter_model.safetensors`
 * @param base the parameters of the network that they are added to
 * @returns the factors and their configuration
 * @throws {TypeError} when the configuration is none of LoRA's, or asks for what is not supported
 * @throws {RangeError} when factors are missing, too many, of another shape, or the file is broken
 */
export async function loadLora(directory: string, base: Params): Promise<LoadedLora> {
  const config = await readConfig(`${directory}/${CONFIG}`);
  using file = await openSafetensors(`${directory}/${TENSORS}`);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, stored] of file.tensors) {
    const path = name.startsWith(PEFT) ? name.slice(PEFT.length) : name.replace(PIPELINE, "");
    if (tensors.has(path)) throw new RangeError(`Cannot load LoRA of ${directory}: it has two tensors for "${path}"`);
    tensors.set(path, stored);
  }
  // Of the template only names and shapes are used: what the file lacks is an error
  const { params } = await loadCheckpoint(initLora(key(0), base, config), tensors, { dtype: "f32" });
  return { lora: params, config };
}

async function readConfig(path: string): Promise<Required<LoraConfig>> {
  let value: unknown;
  try {
    value = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    throw new TypeError(`Cannot read ${path}: ${(error as Error).message}`);
  }
  const result = schema.safeParse(value, { reportInput: true });
  if (!result.success) {
    const problems = result.error.issues.map(({ path, input, message }) =>
      `${path.join(".") || "the whole"} is ${JSON.stringify(input)}: ${message}`
    );
    throw new TypeError(`Cannot use ${path}: ${problems.join("; ")}`);
  }
  const { r, lora_alpha, target_modules } = result.data;
  return { rank: r, alpha: lora_alpha, targets: target_modules };
}
