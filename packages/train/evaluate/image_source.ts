/** What gives images for prompts and seeds: the seam between evaluation and everything that draws. */
import { cat, compile, randn, type Tensor, tensor } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { shownPath } from "../config/paths.ts";
import { generatorDraw, loadScoreNetwork, teacherDraw } from "../models/drawer.ts";
import type { ModelFile } from "../models/model_file.ts";
import type { NetworkConfig } from "../models/score_models.ts";
import type { Draw } from "../run/sample_pictures.ts";
import { stepKey, STREAM } from "../run/step_key.ts";
import type { Vocabulary } from "../vocabulary.ts";
import type { EvaluationItem } from "./evaluation_items.ts";
import { sha256OfFiles } from "./sha256.ts";

/** Everything a report says of what was measured. */
export interface SubjectFacts {
  /** What it is: a checkpoint, a model directory, image files. */
  readonly kind: "checkpoint" | "model" | "images";
  /** Where it lies. */
  readonly path: string;
  /** SHA-256 of the weights, or of the image files in their order. */
  readonly sha256: string;
  /** Kind of model and network. */
  readonly variant: string;
  /** What the weights are stored in, and what is computed in. */
  readonly dtype: string;
  /** How images are drawn: sampler, steps, guidance, noise level. */
  readonly sampling: string;
}

/** Images for prompts and seeds. */
export interface ImageSource {
  /** What a report says of it. */
  readonly facts: SubjectFacts;
  /** Images at a time. */
  readonly batchSize: number;
  /**
   * Draws items, each from its own seed, whatever else is in the batch.
   *
   * @param items At most `batchSize` of them.
   * @param seed The evaluation's seed.
   * @returns Images in [0, 1], `[N, 3, H, W]` row-major, one for each item.
   */
  draw(items: readonly EvaluationItem[], seed: number): Promise<{ data: Float32Array; shape: readonly number[] }>;
}

/** How a checkpoint draws. */
export interface CheckpointSourceOptions {
  /** Steps of a teacher's sampler. */
  readonly steps: number;
  /** Guidance scale of a teacher, 1 for none. */
  readonly omega: number;
  /** Images at a time. */
  readonly batchSize: number;
}

/**
 * Images drawn by one of dipp's own checkpoints.
 *
 * @param file A generator (one step) or a teacher (many).
 * @param options Sampler and batch.
 * @returns The source.
 */
export async function checkpointSource(file: ModelFile, options: CheckpointSourceOptions): Promise<ImageSource> {
  const { description, vocabulary, path } = file;
  const { kind, image_size: size, sigma_init = 2.5 } = description;
  const { batchSize, steps, omega } = options;
  const network = await loadScoreNetwork(file);
  const isGenerator = kind === "generator";
  const draw = isGenerator ? generatorDraw(network, sigma_init) : teacherDraw(network, steps, omega);
  const stored = new Set([...file.tensors.values()].map((entry) => entry.dtype));
  return {
    batchSize,
    facts: {
      kind: "checkpoint",
      path: shownPath(path),
      sha256: await sha256OfFiles([path]),
      variant: `${kind}, ${(description.model as NetworkConfig).network}, ${size}x${size}`,
      dtype: `${[...stored].join(" and ").toLowerCase()} weights, f32 arithmetic`,
      sampling: isGenerator
        ? `one step at sigma ${sigma_init}`
        : `DPM-Solver++ with ${steps} steps, guidance omega ${omega}`,
    },
    draw: drawItems(draw, vocabulary, size, batchSize),
  };
}

/**
 * Draws items with one of dipp's own models, each from its own seed.
 *
 * @param draw The model.
 * @param vocabulary Its words.
 * @param size Side of an image.
 * @param batchSize Images at a time.
 * @returns What an {@linkcode ImageSource} draws with.
 */
export function drawItems(draw: Draw, vocabulary: Vocabulary, size: number, batchSize: number): ImageSource["draw"] {
  const noise = compile((key: Tensor) => randn(key, [1, 3, size, size]));
  return async (items, seed) => {
    // Every batch has one shape, so that one program serves: what is missing is filled with repeats.
    const filled = Array.from({ length: batchSize }, (_, i) => items[i % items.length]);
    const noises = filled.map(({ stream }) => noise(stepKey(seed, STREAM.evaluation, stream)));
    const ids = tensor(vocabulary.encodeAll(filled.map(({ prompt }) => prompt)), [batchSize, vocabulary.maxLength]);
    const data = await draw(await cat(noises, 0).realize(), ids).data() as Float32Array;
    return { data: data.slice(0, items.length * 3 * size * size), shape: [items.length, 3, size, size] };
  };
}

/**
 * Images of a diffusers directory.
 *
 * @param path The directory.
 * @throws {ConfigError} Always: pipelines of diffusers directories are not among what this version draws with.
 */
export function modelSource(path: string): Promise<ImageSource> {
  return Promise.reject(
    new ConfigError(
      `--model is ${path}, but this version draws from its own checkpoints alone, expected --checkpoint F, or ` +
        `--images DIR with what another program drew`,
    ),
  );
}
