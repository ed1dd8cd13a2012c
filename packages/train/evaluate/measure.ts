/** From image files to numbers. */
import { chunkMeans } from "@dipp/metrics";
import { type Tensor, tensor } from "@dipp/tensor";
import type { EvaluationItem } from "./evaluation_items.ts";
import { readImages, type StoredImages } from "./image_store.ts";
import type { EncoderJudge, RewardJudge } from "./judges.ts";
import { meanOverPrompts, type Measurement, type PromptGroups } from "./measurement.ts";
import { ENCODED_METRICS, encodedMetric } from "./metric_names.ts";

/** Parts of a style whose means give its spread, as in HPSv2's tables. */
const CHUNKS = 10;

/** What to measure with. */
export interface Judges {
  /** Rewards by name. */
  readonly rewards: Readonly<Record<string, RewardJudge>>;
  /** The joint space, where there is one. */
  readonly encoder?: EncoderJudge;
  /** Prompts to choose among in retrieval; those of the items are added. */
  readonly gallery: readonly string[];
  /** Features of the real images, where there are some. */
  readonly real?: readonly Float64Array[];
  /** Images at a time. */
  readonly batchSize: number;
}

/**
 * The images of each prompt.
 *
 * @param items The items.
 * @returns Their places, by prompt, in the order in which prompts first come.
 */
export function groupByPrompt(items: readonly EvaluationItem[]): PromptGroups {
  const groups = new Map<string, number[]>();
  items.forEach(({ prompt }, i) => groups.set(prompt, [...groups.get(prompt) ?? [], i]));
  return [...groups.values()];
}

/**
 * Measures image files: what a report says is of the files, 8 bits a channel, not of what was in memory.
 *
 * @param images The files and what they show.
 * @param names The metrics.
 * @param judges What to measure with.
 * @returns The numbers, in the order of the names.
 */
export async function measure(
  images: StoredImages,
  names: readonly string[],
  judges: Judges,
): Promise<Measurement[]> {
  const groups = groupByPrompt(images.items);
  const result: Measurement[] = [];
  let encoded: Awaited<ReturnType<typeof encode>> | undefined;
  for (const name of names) {
    if (!ENCODED_METRICS.includes(name)) {
      result.push(...await scored(name, images, judges.rewards[name], judges.batchSize, groups));
      continue;
    }
    encoded ??= await encode(images, judges, groups);
    const { features, preprocessing, judge } = encoded;
    for (const { definition, reference, ...computed } of encodedMetric(name, features)) {
      const hygiene = {
        ...judge.facts,
        preprocessing,
        ...(definition === undefined ? {} : { definition }),
        ...(reference === undefined ? {} : { reference }),
      };
      result.push({ ...computed, hygiene, count: images.items.length });
    }
  }
  return result;
}

/** A reward's mean, and where prompts have styles, its number for each. */
async function scored(
  name: string,
  images: StoredImages,
  judge: RewardJudge,
  batchSize: number,
  groups: PromptGroups,
): Promise<Measurement[]> {
  const scores: number[] = [];
  const preprocessing = await eachBatch(images, judge.size, batchSize, async (batch, prompts, count) => {
    scores.push(...(await judge.score(batch, prompts)).subarray(0, count));
  });
  const hygiene = { ...judge.facts, preprocessing };
  const label = `${name[0].toUpperCase()}${name.slice(1).replaceAll("_", " ")}`;
  const whole: Measurement = {
    name,
    label,
    better: "higher",
    hygiene,
    count: scores.length,
    perImage: scores,
    statistic: meanOverPrompts(scores, groups),
  };
  const styles = [...new Set(images.items.flatMap(({ style }) => style ?? []))];
  return [
    whole,
    ...styles.map((style): Measurement => {
      const own = groups.map((group) => group.filter((i) => images.items[i].style === style));
      const places = own.flatMap((group, p) => group.length > 0 ? [p] : []);
      return {
        name: `${name}/${style}`,
        label: `${label}, ${style}`,
        better: "higher",
        hygiene,
        count: own.flat().length,
        chunkStd: chunkMeans(own.flat().map((i) => scores[i]), CHUNKS).std,
        statistic: (prompts) => {
          const chosen = prompts.filter((p) => own[p].length > 0);
          const means = meanOverPrompts(scores, own);
          return means(chosen.length > 0 ? chosen : places);
        },
      };
    }),
  ];
}

async function encode(images: StoredImages, judges: Judges, groups: PromptGroups) {
  const judge = judges.encoder!;
  const rows: Float64Array[] = [];
  const preprocessing = await eachBatch(images, judge.size, judges.batchSize, async (batch, _prompts, count) => {
    rows.push(...(await judge.imageRows(batch)).slice(0, count));
  });
  const prompts = images.items.map(({ prompt }) => prompt);
  const gallery = [...new Set([...judges.gallery, ...prompts])];
  const texts = await judge.textRows(gallery);
  const own = prompts.map((prompt) => gallery.indexOf(prompt));
  const features = { rows, gallery: texts, own, texts: own.map((i) => texts[i]), groups, real: judges.real ?? [] };
  return { features, preprocessing, judge };
}

/** Calls back with batches of one shape, the last filled up with repeats; says what was done to the images. */
async function eachBatch(
  { items, files }: StoredImages,
  size: number,
  batchSize: number,
  use: (batch: Tensor, prompts: readonly string[], count: number) => Promise<void>,
): Promise<string> {
  let isScaled = false;
  for (let at = 0; at < files.length; at += batchSize) {
    const count = Math.min(batchSize, files.length - at);
    const places = Array.from({ length: batchSize }, (_, i) => at + i % count);
    const read = await readImages(places.map((i) => files[i]), size);
    isScaled ||= read.isScaled;
    await use(tensor(read.data, [batchSize, 3, size, size]), places.map((i) => items[i].prompt), count);
  }
  return isScaled ? `8-bit RGB, Lanczos 3 to ${size}x${size}, [0, 1]` : `8-bit RGB as it is (${size}x${size}), [0, 1]`;
}
