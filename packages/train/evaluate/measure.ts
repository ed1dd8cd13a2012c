/** From images to numbers. */
import { chunkMeans, inceptionScore } from "@dipp/metrics";
import type { RgbImage } from "../images.ts";
import type { EvaluationItem } from "./evaluation_items.ts";
import type { ClassifierJudge, EncoderJudge, RewardJudge } from "./judges.ts";
import { type Hygiene, meanOverPrompts, type Measurement, ofRows, type PromptGroups } from "./measurement.ts";
import { encodedMetric, type MetricRequest } from "./metric_names.ts";
import type { PerceptualJudge } from "./paper_judges.ts";

/** Parts of a style whose means give its spread, as in HPSv2's tables; parts of a set for the Inception Score. */
const CHUNKS = 10;

/** Images to measure. */
export interface MeasuredImages {
  /** What is shown in them. */
  readonly items: readonly EvaluationItem[];
  /** Gives the image of an item, by its place; it may be asked for several times. */
  image(place: number): RgbImage | Promise<RgbImage>;
}

/** What to measure with. */
export interface Judges {
  /** Rewards by name. */
  readonly rewards: Readonly<Record<string, RewardJudge>>;
  /** The joint space of the configuration, where there is one. */
  readonly clip?: EncoderJudge;
  /** Inception's space, where there is one. */
  readonly inception?: ClassifierJudge;
  /** LPIPS, where there is one. */
  readonly lpips?: PerceptualJudge;
  /** Prompts to choose among in retrieval; those of the items are added. */
  readonly gallery: readonly string[];
  /** Features of the real images in each space, where there are some. */
  readonly real: Readonly<Partial<Record<"clip" | "inception", readonly Float64Array[]>>>;
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
 * Measures images of 8 bits a channel: what a report says is of files, not of what a network gave.
 *
 * @param images The images and what they show.
 * @param metrics The metrics.
 * @param judges What to measure with.
 * @returns The numbers, in the order of the metrics.
 */
export async function measure(
  images: MeasuredImages,
  metrics: readonly MetricRequest[],
  judges: Judges,
): Promise<Measurement[]> {
  const groups = groupByPrompt(images.items);
  const result: Measurement[] = [];
  const inSpace = new Map<string, Awaited<ReturnType<typeof encode>>>();
  let classified: Awaited<ReturnType<typeof classify>> | undefined;
  for (const metric of metrics) {
    const { name } = metric;
    if (metric.kind === "reward" || metric.kind === "paper") {
      result.push(...await scored(name, images, judges.rewards[name], judges.batchSize, groups));
    } else if (metric.kind === "lpips") result.push(await perceptual(images, judges.lpips!, groups));
    else if (metric.kind === "inception_score") {
      classified ??= await classify(images, judges);
      result.push(classScore(classified.logits, judges.inception!, images, groups));
    } else {
      const { base, space } = metric;
      if (space === "inception") classified ??= await classify(images, judges);
      const features = inSpace.get(space) ?? await encode(images, judges, groups, space, classified?.rows);
      inSpace.set(space, features);
      const { facts, preprocessing } = judges[space]!;
      for (const { definition, reference, ...computed } of encodedMetric(base, features)) {
        const hygiene: Hygiene = {
          ...facts,
          preprocessing,
          ...(definition === undefined ? {} : { definition }),
          ...(reference === undefined ? {} : { reference }),
        };
        const named = space === "clip" ? {} : inceptionName(computed, name);
        result.push({ ...computed, ...named, hygiene, count: images.items.length });
      }
    }
  }
  return result;
}

function inceptionName({ name, label }: Pick<Measurement, "name" | "label">, asked: string) {
  return asked === "fid" ? { name: "fid", label: "FID" } : { name: `${name}@inception`, label: `${label} (Inception)` };
}

/** A reward's mean, and where prompts have styles, its number for each. */
async function scored(
  name: string,
  images: MeasuredImages,
  judge: RewardJudge,
  batchSize: number,
  groups: PromptGroups,
): Promise<Measurement[]> {
  const scores: number[] = [];
  await eachBatch(images, batchSize, async (batch, prompts, count) => {
    scores.push(...(await judge.score(batch, prompts)).subarray(0, count));
  });
  const hygiene = { ...judge.facts, preprocessing: judge.preprocessing };
  const label = judge.label ??
    `${name[0].toUpperCase()}${name.slice(1).replace("eld_out", "eld-out").replaceAll("_", " ")}`;
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
      const means = meanOverPrompts(scores, own);
      return {
        name: `${name}/${style}`,
        label: `${label}, ${style}`,
        better: "higher",
        hygiene,
        count: own.flat().length,
        chunkStd: chunkMeans(own.flat().map((i) => scores[i]), CHUNKS).std,
        statistic(prompts) {
          const chosen = prompts.filter((p) => own[p].length > 0);
          return means(chosen.length > 0 ? chosen : places);
        },
      };
    }),
  ];
}

/** Mean LPIPS distance of two images of a prompt. */
async function perceptual({ items, image }: MeasuredImages, judge: PerceptualJudge, groups: PromptGroups) {
  const means: number[] = [];
  for (const group of groups) {
    const distances = await judge.pairs(await Promise.all(group.map((i) => image(i))));
    means.push(distances.reduce((sum, d) => sum + d, 0) / distances.length);
  }
  return {
    name: "lpips",
    label: "LPIPS diversity",
    better: "higher",
    hygiene: {
      ...judge.facts,
      preprocessing: judge.preprocessing,
      definition: "mean over pairs of images of a prompt",
    },
    count: items.length,
    statistic: (prompts) => prompts.reduce((sum, p) => sum + means[p], 0) / prompts.length,
  } satisfies Measurement;
}

function classScore(
  logits: readonly Float64Array[],
  judge: ClassifierJudge,
  { items }: MeasuredImages,
  groups: PromptGroups,
): Measurement {
  const parts = (n: number) => Math.min(CHUNKS, n);
  return {
    name: "inception_score",
    label: "Inception Score",
    better: "higher",
    isOfSet: true,
    hygiene: {
      ...judge.facts,
      preprocessing: judge.preprocessing,
      definition: `logits without bias, mean over ${parts(logits.length)} parts in the order of the prompts`,
    },
    count: items.length,
    statistic: ofRows(logits, groups, (rows) => inceptionScore(rows, parts(rows.length)).mean),
  };
}

async function classify(images: MeasuredImages, judges: Judges) {
  const rows: Float64Array[] = [], logits: Float64Array[] = [];
  await eachBatch(images, judges.batchSize, async (batch, _prompts, count) => {
    const found = await judges.inception!.classify(batch);
    rows.push(...found.rows.slice(0, count));
    logits.push(...found.logits.slice(0, count));
  });
  return { rows, logits };
}

async function encode(
  images: MeasuredImages,
  judges: Judges,
  groups: PromptGroups,
  space: "clip" | "inception",
  known?: Float64Array[],
) {
  const rows: Float64Array[] = known ?? [];
  if (!known) {
    await eachBatch(images, judges.batchSize, async (batch, _prompts, count) => {
      rows.push(...(await judges[space]!.imageRows(batch)).slice(0, count));
    });
  }
  const prompts = images.items.map(({ prompt }) => prompt);
  const gallery = [...new Set([...judges.gallery, ...prompts])];
  const texts = space === "clip" ? await judges.clip!.textRows(gallery) : [];
  const own = prompts.map((prompt) => gallery.indexOf(prompt));
  return { rows, gallery: texts, own, texts: own.map((i) => texts[i]), groups, real: judges.real[space] ?? [] };
}

/** Calls back with batches of one number of images, the last filled up with repeats. */
async function eachBatch(
  { items, image }: MeasuredImages,
  batchSize: number,
  use: (batch: readonly RgbImage[], prompts: readonly string[], count: number) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += batchSize) {
    const count = Math.min(batchSize, items.length - at);
    const places = Array.from({ length: batchSize }, (_, i) => at + i % count);
    const read = await Promise.all(Array.from({ length: count }, (_, i) => image(at + i)));
    await use(places.map((i) => read[i - at]), places.map((i) => items[i].prompt), count);
  }
}
