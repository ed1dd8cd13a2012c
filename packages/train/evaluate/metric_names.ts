/** The metrics of `evaluate`, by name. */
import { clipScores, cmmd, frechetDistance, GaussianFit, kernelInceptionDistance } from "@dipp/metrics";
import { precisionRecall, vendiScore } from "@dipp/metrics";
import { ConfigError } from "../config/config_error.ts";
import { PAPER_REWARDS } from "../models/paper_rewards.ts";
import { meanOverPrompts, type Measurement, ofRows, type PromptGroups } from "./measurement.ts";

/** What a metric of an encoder's space is computed of. */
export interface EncodedImages {
  /** Features of each image, of unit length. */
  readonly rows: readonly Float64Array[];
  /** Features of each image's prompt. */
  readonly texts: readonly Float64Array[];
  /** Features of the prompts to choose among. */
  readonly gallery: readonly Float64Array[];
  /** The place of each image's prompt in the gallery. */
  readonly own: readonly number[];
  /** The images of each prompt. */
  readonly groups: PromptGroups;
  /** Features of the real images; needed by those metrics that compare with them. */
  readonly real: readonly Float64Array[];
}

/** What a metric adds to the hygiene of its judge. */
type Computed = Pick<Measurement, "name" | "label" | "better" | "statistic"> & {
  readonly perImage?: readonly number[];
  readonly isOfSet?: boolean;
  readonly groups?: number;
  readonly definition?: string;
  readonly reference?: string;
};

/** Dimensions beyond which a Frechet distance is too slow to leave out twenty groups. */
const WIDE = 512;

/** Neighbours of precision and recall. */
const NEIGHBOURS = 5;

/** Metrics in the space of an encoder. */
const ENCODED: Readonly<Record<string, (images: EncodedImages) => Computed[]>> = {
  clipscore({ rows, texts, groups }) {
    const perImage = [...clipScores(rows, texts)];
    return [{
      name: "clipscore",
      label: "CLIPScore",
      definition: "100 max(cos, 0)",
      better: "higher",
      perImage,
      statistic: meanOverPrompts(perImage, groups),
    }];
  },
  retrieval({ rows, gallery, own, groups }) {
    const ranks = rows.map((row, i) => rankOf(own[i], gallery.map((text) => dot(row, text))));
    return [1, 5].map((k): Computed => ({
      name: `retrieval_at_${k}`,
      label: `Retrieval R@${k}`,
      better: "higher",
      reference: `gallery of ${gallery.length} prompts`,
      statistic: meanOverPrompts(ranks.map((rank) => rank <= k ? 1 : 0), groups),
    }));
  },
  diversity({ rows, groups }) {
    const means = groups.map((images) => meanPairDistance(images.map((i) => rows[i])));
    return [{
      name: "diversity",
      label: "Within-prompt diversity",
      definition: "mean distance of unit features of two images of a prompt",
      better: "higher",
      statistic: (prompts) => prompts.reduce((sum, p) => sum + means[p], 0) / prompts.length,
    }];
  },
  frechet: ({ rows, groups, real }) => {
    const reference = fit(real);
    return [{
      ...against(real),
      // An eigenproblem of two thousand dimensions takes minutes
      groups: rows[0].length > WIDE ? 5 : 20,
      name: "frechet",
      label: "Fréchet distance",
      better: "lower",
      statistic: ofRows(rows, groups, (chosen) => frechetDistance(fit(chosen), reference).distance),
    }];
  },
  kid: ({ rows, groups, real }) => [{
    ...against(real),
    name: "kid",
    label: "Kernel distance (KID)",
    definition: "(x.y / d + 1)^3, unbiased, all images at once",
    better: "lower",
    statistic: ofRows(rows, groups, (chosen) => kernelInceptionDistance(real, chosen)),
  }],
  cmmd: ({ rows, groups, real }) => [{
    ...against(real),
    name: "cmmd",
    label: "CMMD",
    definition: "Gaussian kernel of width 10, times 1000",
    better: "lower",
    statistic: ofRows(rows, groups, (chosen) => cmmd(real, chosen)),
  }],
  prdc({ rows, groups, real }) {
    const all = ofRows(rows, groups, (chosen) => precisionRecall(real, chosen, NEIGHBOURS));
    return (["precision", "recall", "density", "coverage"] as const).map((name): Computed => ({
      ...against(real),
      name,
      label: `${name[0].toUpperCase()}${name.slice(1)}`,
      definition: `${NEIGHBOURS} nearest neighbours`,
      better: "higher",
      statistic: (prompts) => all(prompts)[name],
    }));
  },
  vendi: ({ rows, groups }) => [{
    name: "vendi",
    label: "Vendi score",
    isOfSet: true,
    better: "higher",
    statistic: ofRows(rows, groups, (chosen) => vendiScore(chosen)),
  }],
};

/** Metrics that need a text encoder beside the images'. */
const WITH_TEXTS = ["clipscore", "retrieval", "diversity"];

/** Metrics that compare with real images. */
const WITH_REFERENCE: readonly string[] = ["frechet", "kid", "cmmd", "prdc"];

/** Whose features metrics are computed of: the configuration's contrastive model, or Inception. */
export type FeatureSpace = "clip" | "inception";

/** A metric that was asked for. */
export type MetricRequest =
  | { readonly kind: "reward"; readonly name: string }
  | { readonly kind: "paper"; readonly name: string }
  | { readonly kind: "features"; readonly name: string; readonly base: string; readonly space: FeatureSpace }
  | { readonly kind: "inception_score"; readonly name: string }
  | { readonly kind: "lpips"; readonly name: string };

/** What every metric in the configuration's space is called; `NAME@inception` is the same in Inception's. */
const FEATURE_METRICS: readonly string[] = Object.keys(ENCODED);

/** Every name but those of rewards at hand, for help. */
export const METRIC_NAMES: readonly string[] = [
  ...FEATURE_METRICS,
  ...PAPER_REWARDS,
  ...["fid", "inception_score", "lpips"],
  ...FEATURE_METRICS.filter((name) => !WITH_TEXTS.includes(name)).map((name) => `${name}@inception`),
];

/**
 * Reads `--metrics`.
 *
 * @param list Names joined by commas; undefined for the rewards at hand, and all in the space of the contrastive model.
 * @param rewards The names of the rewards at hand.
 * @param hasClip Whether there is a contrastive model.
 * @returns The metrics, in order.
 * @throws {ConfigError} On a name that is not known, or that needs a contrastive model where there is none.
 */
export function parseMetrics(list: string | undefined, rewards: readonly string[], hasClip: boolean): MetricRequest[] {
  const names = list?.split(",").map((name) => name.trim()) ?? [...rewards, ...hasClip ? FEATURE_METRICS : []];
  return [...new Set(names)].map((name): MetricRequest => {
    if (rewards.includes(name)) return { kind: "reward", name };
    if (PAPER_REWARDS.includes(name)) return { kind: "paper", name };
    if (name === "inception_score" || name === "lpips") return { kind: name, name };
    if (name === "fid") return { kind: "features", name, base: "frechet", space: "inception" };
    const [base, space = "clip"] = name.split("@");
    if (!METRIC_NAMES.includes(name)) {
      throw new ConfigError(
        `Metric "${name}" is not known, expected one of ${[...rewards, ...METRIC_NAMES].join(", ")}; ` +
          `--judge NAME=FILE adds a reward`,
      );
    }
    if (space === "clip" && !hasClip) {
      throw new ConfigError(`Metric "${name}" needs a contrastive model, but clip is null in the configuration`);
    }
    return { kind: "features", name, base, space: space as FeatureSpace };
  });
}

/**
 * Whether a metric compares with real images.
 *
 * @param metric The metric.
 */
export function needsReference(metric: MetricRequest): metric is Extract<MetricRequest, { kind: "features" }> {
  return metric.kind === "features" && WITH_REFERENCE.includes(metric.base);
}

/**
 * Computes a metric in the space of an encoder.
 *
 * @param base What it is called in the configuration's space.
 * @param images Features.
 * @returns Its numbers, without their hygiene.
 */
export function encodedMetric(base: string, images: EncodedImages): Computed[] {
  return ENCODED[base](images);
}

function against(real: readonly Float64Array[]): { reference: string; isOfSet: boolean } {
  return { reference: `${real.length} real images`, isOfSet: true };
}

function fit(rows: readonly Float64Array[]): GaussianFit {
  const result = new GaussianFit(rows[0].length);
  for (const row of rows) result.update(row);
  return result;
}

/** 1 is best; half of those that are as near count. */
function rankOf(own: number, scores: readonly number[]): number {
  const above = scores.filter((score) => score > scores[own]).length;
  const equal = scores.filter((score, i) => score === scores[own] && i !== own).length;
  return 1 + above + equal / 2;
}

function meanPairDistance(rows: readonly Float64Array[]): number {
  let sum = 0;
  rows.forEach((a, i) => {
    for (const b of rows.slice(0, i)) sum += Math.sqrt(a.reduce((s, x, k) => s + (x - b[k]) ** 2, 0));
  });
  return rows.length < 2 ? NaN : sum / (rows.length * (rows.length - 1) / 2);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}
