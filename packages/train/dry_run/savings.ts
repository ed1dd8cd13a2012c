/** What to change where a training does not fit. */
import { applyOverrides } from "../config/override.ts";
import { parseConfig } from "../config/load_config.ts";
import type { Config } from "../config/schema.ts";
import { peakBytes as peakOf } from "./dry_run.ts";

/** A change, on top of those before it, and what it leaves. */
export interface Saving {
  /** The assignments, as `--set` takes them. */
  readonly sets: readonly string[];
  /** What it costs. */
  readonly price: string;
  /** Peak memory with it and all before it, in bytes. */
  readonly peakBytes: number;
}

interface Candidate {
  readonly sets: (config: Config) => readonly string[];
  readonly price: string;
}

type Diffusers = Extract<Config, { stage: "distill_diffusers" | "align_diffusers" }>;

/** Changes from the cheapest to the dearest; one that changes nothing gives no assignments. */
const CANDIDATES: readonly Candidate[] = [
  candidate("the decoder's blocks are computed twice", (c) => c.decoder.checkpoint ? [] : ["decoder.checkpoint=true"]),
  candidate("the networks' blocks are computed twice", (c) => c.memory.checkpoint ? [] : ["memory.checkpoint=true"]),
  candidate(
    "batches in parts, one after another: the same steps, more time",
    (c) => c.memory.micro_batches < c.batch_size ? [`memory.micro_batches=${c.batch_size}`] : [],
  ),
  {
    price: "products of factors rounded to bf16; parameters and optimiser stay f32",
    sets: (c) => c.precision === "f32" ? ["precision=bf16"] : [],
  },
  candidate(
    "frozen weights rounded",
    (c) => (c.frozen_dtype ?? c.precision) === "f32" ? ["frozen_dtype=bf16"] : [],
  ),
  {
    price: "smaller batches: noisier steps, which more of them make up for",
    sets: (c) => c.batch_size > 1 ? ["batch_size=1"] : [],
  },
  candidate("no momentum, as in Diff-Instruct: the first moments go", (c) => [
    ...c.generator.optimizer.betas[0] > 0 ? [`generator.optimizer.betas=[0,${c.generator.optimizer.betas[1]}]`] : [],
    ...c.fake.optimizer.betas[0] > 0 ? [`fake.optimizer.betas=[0,${c.fake.optimizer.betas[1]}]`] : [],
  ]),
  candidate(
    "no average of the generator: the last parameters are saved",
    (c) => c.generator.optimizer.ema_decay === null ? [] : ["generator.optimizer.ema_decay=null"],
  ),
  candidate(
    "seams between tiles, smoothed by their overlap",
    (c) => c.decoder.tile === null ? ["decoder.tile=32"] : [],
  ),
  candidate(
    "the networks learn additions of rank 16 to the teacher's weights (LoRA), and begin as the teacher",
    (c) => c.memory.lora === null ? ["memory.lora={}", "generator.checkpoint=null", "fake.checkpoint=null"] : [],
  ),
  candidate(
    "smaller pictures",
    (c) => c.size === null || c.size.height > 256 ? ['size={"height":256,"width":256}'] : [],
  ),
];

/**
 * Plans a configuration again and again, each time with one more change that saves memory, until it fits.
 *
 * @param config A complete configuration that does not fit.
 * @param peakBytes What it needs.
 * @param memoryBytes What there is.
 * @returns The changes that save something, in order; with the last one it fits, or none is left.
 */
export async function savings(config: Config, peakBytes: number, memoryBytes: number): Promise<Saving[]> {
  const found: Saving[] = [];
  let [now, peak] = [config, peakBytes];
  for (const { sets, price } of CANDIDATES) {
    const changes = sets(now);
    if (changes.length === 0) continue;
    const next = parseConfig(applyOverrides(now, changes), "/", "with savings");
    const after = await peakOf(next);
    if (after >= peak) continue;
    found.push({ sets: changes, price, peakBytes: after });
    [now, peak] = [next, after];
    if (peak <= memoryBytes) break;
  }
  return found;
}

function candidate(price: string, sets: (config: Diffusers) => readonly string[]): Candidate {
  return { price, sets: (config) => "decoder" in config ? sets(config) : [] };
}
