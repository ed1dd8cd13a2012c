import { flattenParams, loadParams } from "@dipp/nn";
import {
  CLIPModel,
  type CLIPParams,
  isOpenClip,
  type OpenClipConfig,
  openClipConfig,
  openClipSource,
} from "@dipp/rewards";
import { key, type Tensor, treeMap, vjp } from "@dipp/tensor";
import type { Area } from "../area.ts";
import type { GoldenCase } from "../golden_case.ts";
import { gradients } from "../gradients.ts";

/** CLIP by the names of transformers or of open_clip, which the weights tell apart; and the scores that are made of it. */
export const clip: Area = (one) => {
  const own = isOpenClip(one.weights);
  const network = new CLIPModel(own ? openClipConfig(one.field<OpenClipConfig>("config")) : one.field("config"));
  const params = own
    ? openClipParams(network, one)
    : loadParams(network.init(key(0)), one.weights, { ignore: network.ignored });

  const pixelValues = one.input("pixel_values");
  const inputs = { inputIds: one.input("input_ids"), attentionMask: one.allInputs().attention_mask };
  const vision = network.vision.apply(params, pixelValues);
  const image_embeds = network.imageEmbeds(params, pixelValues), text_embeds = network.textEmbeds(params, inputs);
  const logit_scale_exp = params.logit_scale.exp();
  const logits_per_image = image_embeds.matmul(text_embeds.transpose(0, 1)).mul(logit_scale_exp);
  const [images] = image_embeds.shape, [texts] = text_embeds.shape;
  // Image i goes with text i; some cases have more of the one than of the other
  const pairs = Math.min(images, texts);
  const cosine = image_embeds.slice([[0, pairs]]).mul(text_embeds.slice([[0, pairs]])).sum(1);
  const scores = { pickscore: cosine.mul(logit_scale_exp), hpsv2_score: cosine };
  const leaves = own ? weightsOf(one) : Object.fromEntries(flattenParams(params));
  return {
    image_embeds,
    text_embeds,
    image_features: vision.imageEmbeds,
    text_features: network.text.apply(params, inputs).textEmbeds,
    vision_last_hidden_state: vision.lastHiddenState,
    logit_scale_exp,
    logits_per_image,
    cosine,
    ...scores,
    hpsv2_benchmark_score: cosine.mul(100),
    ...Object.fromEntries(
      Object.entries(scores).map(([name, score]) => [
        `scoregrad.${name}.pixel_values`,
        vjp([score], [score.mul(0).add(1)], [pixelValues])[0],
      ]),
    ),
    ...gradients(one, { logits_per_image }, { ...leaves, pixel_values: pixelValues }),
  };
};

/** The parameters as views of the stored tensors, so that these can be differentiated with respect to. */
function openClipParams(network: CLIPModel, one: GoldenCase): CLIPParams {
  return treeMap<Tensor, Tensor>(network.init(key(0)), (_, path) => {
    const { name, third, transpose } = openClipSource(path);
    const stored = one.weight(name);
    if (transpose) return stored.transpose(0, 1);
    if (third === undefined) return stored;
    const rows = stored.shape[0] / 3;
    return stored.slice([[third * rows, (third + 1) * rows]]);
  }) as CLIPParams;
}

function weightsOf(one: GoldenCase): Record<string, Tensor> {
  return Object.fromEntries([...one.weights.keys()].map((name) => [name, one.weight(name)]));
}
