import {
  clipScores,
  cmmd as cmmdOf,
  frechetDistance,
  GaussianFit,
  inceptionScore,
  kernelInceptionDistance,
  lpipsLayers,
  neighbourRadii,
  pairCosines,
  precisionRecall,
  vendiScore,
} from "@dipp/metrics";
import { stack } from "@dipp/tensor";
import { byKind, type Outputs } from "../area.ts";
import { gradients } from "../gradients.ts";
import type { GoldenCase } from "../golden_case.ts";

/** What is measured, on stored features. */
export const metrics = byKind({ clip_score, cmmd, fid, inception_score, kid, lpips, prdc, vendi });

/** The rows of a stored matrix. */
function rows(one: GoldenCase, name: string): Float32Array[] {
  const [count, dim] = one.input(name).shape;
  const data = one.inputs.get(name)!.toFloat32();
  return Array.from({ length: count }, (_, i) => data.subarray(i * dim, (i + 1) * dim));
}

const average = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

function clip_score(one: GoldenCase): Outputs {
  const [images, texts] = [rows(one, "image_embeds"), rows(one, "text_embeds")];
  const scores = clipScores(images, texts);
  return {
    cosine: pairCosines(images, texts),
    clip_score: scores,
    clip_score_mean: [average(scores)],
    clipscore_2p5: clipScores(images, texts, 2.5),
  };
}

function cmmd(one: GoldenCase): Outputs {
  const { sigma, scale } = one.field<{ sigma: number; scale: number }>("config");
  return { cmmd: [cmmdOf(rows(one, "embeddings_real"), rows(one, "embeddings_fake"), { sigma, scale })] };
}

function inception_score(one: GoldenCase): Outputs {
  const { splits } = one.field<{ splits: number[] }>("config");
  const logits = rows(one, "logits");
  return Object.fromEntries(splits.flatMap((n) => {
    const { mean, std } = inceptionScore(logits, n);
    return [[`splits${n}.mean`, [mean]], [`splits${n}.std`, [std]]];
  }));
}

function kid(one: GoldenCase): Outputs {
  const [real, fake] = [rows(one, "features_real"), rows(one, "features_fake")];
  const [subsets, size] = one.input("subset_real").shape;
  const part = (name: string, of: Float32Array[], s: number) =>
    Array.from(one.inputs.get(name)!.toFloat32().subarray(s * size, (s + 1) * size), (i) => of[i]);
  const distances = Array.from(
    { length: subsets },
    (_, s) => kernelInceptionDistance(part("subset_real", real, s), part("subset_fake", fake, s)),
  );
  const mean = average(distances);
  return {
    kid_full: [kernelInceptionDistance(real, fake)],
    kid_subsets: distances,
    kid_mean: [mean],
    kid_std: [Math.sqrt(average(distances.map((d) => (d - mean) ** 2)))],
  };
}

function lpips(one: GoldenCase): Outputs {
  const { layers } = one.field<{ layers: number }>("config");
  const maps = (set: string) => Array.from({ length: layers }, (_, i) => one.input(`${set}.${i}`));
  const weights = Array.from({ length: layers }, (_, i) => one.weight(`lin${i}.model.1.weight`));
  const per_layer = stack(lpipsLayers(maps("a"), maps("b"), weights));
  const distance = per_layer.sum(0);
  return { distance, per_layer, ...gradients(one, { distance }, one.allInputs()) };
}

function prdc(one: GoldenCase): Outputs {
  const [real, fake] = [rows(one, "features_real"), rows(one, "features_fake")];
  return Object.fromEntries(
    one.field<{ k: number[] }>("config").k.flatMap((k) => {
      const measured: Record<string, ArrayLike<number>> = {
        ...Object.fromEntries(Object.entries(precisionRecall(real, fake, k)).map(([name, value]) => [name, [value]])),
        radius_real: neighbourRadii(real, k),
        radius_fake: neighbourRadii(fake, k),
      };
      return Object.entries(measured).map(([name, value]) => [`k${k}.${name}`, value]);
    }),
  );
}

function vendi(one: GoldenCase): Outputs {
  const features = rows(one, "features");
  const orders = { vendi: 1, vendi_q0p5: 0.5, vendi_q2: 2, vendi_inf: Infinity };
  return Object.fromEntries(Object.entries(orders).map(([name, q]) => [name, [vendiScore(features, q)]]));
}

function fid(one: GoldenCase): Record<string, ArrayLike<number>> {
  const fit = (name: string) => {
    const [, dim] = one.input(name).shape;
    const result = new GaussianFit(dim);
    result.update(one.inputs.get(name)!.toFloat32());
    return result;
  };
  const [real, fake] = [fit("features_real"), fit("features_fake")];
  const terms = frechetDistance(real, fake);
  return {
    fid: [terms.distance],
    mean_term: [terms.meanTerm],
    trace_sqrt: [terms.traceSqrt],
    mean_real: real.mean,
    cov_trace_real: [terms.traceA],
    cov_trace_fake: [terms.traceB],
  };
}
