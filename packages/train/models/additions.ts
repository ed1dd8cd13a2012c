/** How parameters that learn become a network: they are its own, or additions to weights that all share. */
import { initLora, loadLora, type LoraConfig, mergeLora, type Params, saveLora, withLora } from "@dipp/nn";
import { fold, key } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";

/** Parameters that learn, and the network that they are of. */
export interface Additions {
  /** The network's parameters. */
  whole(learned: Params): Params;
  /** The same as a network of its own, to be exported. */
  merged(learned: Params): Params;
  /** Writes what was learned as peft does, where it is additions. */
  save(directory: string, learned: Params): Promise<void>;
}

/** A network that learns as a whole. */
const NONE: Additions = { whole: (own) => own, merged: (own) => own, save: () => Promise.resolve() };

/**
 * Ties what learns to the frozen base.
 *
 * @param base The teacher's parameters, which are not copied.
 * @param config The additions; null where networks learn as a whole.
 * @returns How parameters become a network.
 */
export function additionsTo(base: Params, config: LoraConfig | null): Additions {
  if (config === null) return NONE;
  return {
    whole: (learned) => withLora(base, learned, config),
    merged: (learned) => mergeLora(base, learned, config),
    save: (directory, learned) => saveLora(directory, learned, config),
  };
}

/**
 * The additions that training begins with: none that count, or those of an earlier run.
 *
 * @param name The key of the configuration that names the earlier ones.
 * @param path Their directory, or a file in it; null for none.
 * @param base The teacher's parameters.
 * @param config Rank, scale and targets.
 * @param seed What fresh ones are drawn by.
 * @returns Factors, as expressions or computed.
 * @throws {ConfigError} If there are no additions there, or others than the configuration asks for.
 */
export async function firstAdditions(
  name: string,
  path: string | null,
  base: Params,
  config: LoraConfig,
  seed: number,
): Promise<Params> {
  try {
    if (path === null) return initLora(fold(key(seed), name.length), base, config);
    const loaded = await loadLora(path.replace(/\/adapter_model\.safetensors$/, ""), base);
    const { rank, alpha = rank } = config;
    if (loaded.config.rank === rank && loaded.config.alpha === alpha) return loaded.lora;
    throw new RangeError(
      `it has rank ${loaded.config.rank} and alpha ${loaded.config.alpha}, expected ${rank} and ${alpha} as memory.lora`,
    );
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    const what = path === null ? "memory.lora" : `${name} is ${path}, expected additions (memory.lora)`;
    throw new ConfigError(`${what}: ${error.message}`);
  }
}
