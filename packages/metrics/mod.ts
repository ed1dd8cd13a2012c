/**
 * What is measured about a generator: reward, faithfulness (retrieval of the prompt from the image), Frechet distance
 * to real images in a feature space, diversity within a prompt; and the distances between sets of features that papers
 * report: KID, CMMD, precision, recall, density, coverage, the inception and Vendi scores, CLIPScore, LPIPS.
 *
 * A {@linkcode Metric} takes batches with `update` and gives its numbers with `compute`; sums are in float64 on the
 * host, and the parts of a split evaluation can be merged.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Diversity, MeanReward, type Metric, pixelFeatures } from "@dipp/metrics";
 * import { brightnessReward } from "@dipp/rewards";
 * import { tensor, zeros } from "@dipp/tensor";
 *
 * const metrics: Metric[] = [new MeanReward(brightnessReward()), new Diversity(pixelFeatures())];
 * const prompts = { ids: tensor([[1], [1]], [2, 1], "i32"), texts: ["red apple", "red apple"] };
 * for (const metric of metrics) await metric.update(zeros([2, 3, 8, 8]), prompts);
 * assertEquals(await metrics[1].compute(), 0);
 * ```
 *
 * @module
 */

export * from "./metric.ts";
export * from "./features.ts";
export * from "./mean_reward.ts";
export * from "./retrieval.ts";
export * from "./diversity.ts";
export * from "./frechet_distance.ts";
export * from "./frechet.ts";
export * from "./gaussian_fit.ts";
export type { FeatureRows } from "./feature_rows.ts";
export * from "./set_metric.ts";
export * from "./kernel_inception_distance.ts";
export * from "./cmmd.ts";
export * from "./inception_score.ts";
export * from "./precision_recall.ts";
export * from "./vendi_score.ts";
export * from "./clip_score.ts";
export * from "./lpips_distance.ts";
export * from "./perceptual_diversity.ts";
export * from "./lpips_network.ts";
export * from "./inception_v3.ts";
export * from "./inception_input.ts";
export * from "./styled_reward.ts";
export * from "./calibration.ts";
export * from "./bootstrap.ts";
export * from "./jackknife.ts";
export * from "./metric_state.ts";
export * from "./running_moments.ts";
export * from "./symmetric_eigen.ts";
