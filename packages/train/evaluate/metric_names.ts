/** The metrics of `evaluate`, by name. */
import { clipScores, cmmd, frechetDistance, GaussianFit, kernelInceptionDistance } from "@dipp/metrics";
import { precisionRecall, vendiScore } from "@dipp/metrics";
import { ConfigError } from "../config/config_error.ts";
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
  readonly definition?: string;
  readonly reference?: string;
};

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

/** Names of the papers' metrics that rest on networks whose weights no checkpoint of dipp's holds. */
const FOREIGN = ["imagereward", "hpsv2", "hpsv2.1", "pickscore", "aesthetic", "fid", "inception_score", "lpips"];

/** Metrics that compare with real images. */
export const WITH_REFERENCE: readonly string[] = ["frechet", "kid", "cmmd", "prdc"];

/** Metrics in the space of an encoder, by name. */
export const ENCODED_METRICS: readonly string[] = Object.keys(ENCODED);

/**
 * Reads `--metrics`.
 *
 * @param list Names joined by commas; undefined for all.
 * @param rewards The names of the rewards at hand.
 * @returns The names, in order.
 * @throws {ConfigError} On a name that is not known, or whose network is not at hand.
 */
export function metricNames(list: string | undefined, rewards: readonly string[]): string[] {
  const known = [...rewards, ...ENCODED_METRICS];
  const names = list === undefined ? known : list.split(",").map((name) => name.trim());
  for (const name of names) {
    if (known.includes(name)) continue;
    const why = FOREIGN.includes(name) ? "needs a network whose weights this command does not read" : "is not known";
    throw new ConfigError(
      `Metric "${name}" ${why}, expected one of ${known.join(", ")}; --judge NAME=FILE adds a reward`,
    );
  }
  return [...new Set(names)];
}

/**
 * Computes a metric in the space of an encoder.
 *
 * @param name One of {@linkcode ENCODED_METRICS}.
 * @param images Features.
 * @returns Its numbers, without their hygiene.
 */
export function encodedMetric(name: string, images: EncodedImages): Computed[] {
  return ENCODED[name](images);
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
