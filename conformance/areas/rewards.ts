import { flattenParams, loadParams } from "@dipp/nn";
import { AestheticHead, CLIPVisionModel, type ImageRewardConfig, ImageRewardNetwork } from "@dipp/rewards";
import { key } from "@dipp/tensor";
import { byKind, type Outputs } from "../area.ts";
import type { GoldenCase } from "../golden_case.ts";
import { gradients } from "../gradients.ts";

/** The networks of rewards that are more than a CLIP. */
export const rewards = byKind({ aesthetic, aesthetic_clip: aestheticClip, imagereward });

function aesthetic(one: GoldenCase): Outputs {
  const head = new AestheticHead(one.field<{ input_size: number }>("config").input_size);
  const params = loadParams(head.init(key(0)), one.weights);
  const embeds = one.input("embeddings");
  const score = head.apply(params, embeds);
  return {
    score,
    normalized: head.normalize(embeds),
    ...gradients(one, { score }, { ...Object.fromEntries(flattenParams(params)), embeddings: embeds }),
  };
}

function aestheticClip(one: GoldenCase): Outputs {
  const vision = new CLIPVisionModel(one.field<{ vision_config: unknown }>("config").vision_config);
  const head = new AestheticHead(vision.config.projection_dim);
  const params = loadParams({ clip: vision.init(key(0)), aesthetic: head.init(key(1)) }, one.weights, {
    ignore: vision.ignored,
  });
  const { imageEmbeds } = vision.apply(params.clip, one.input("pixel_values"));
  const score = head.apply(params.aesthetic, imageEmbeds);
  const leaves = { ...Object.fromEntries(flattenParams(params)), pixel_values: one.input("pixel_values") };
  return { image_embeds: imageEmbeds, score, ...gradients(one, { score }, leaves) };
}

function imagereward(one: GoldenCase): Outputs {
  const network = new ImageRewardNetwork(one.field<ImageRewardConfig>("config"));
  const params = loadParams(network.init(key(0)), one.weights, { ignore: network.ignored });
  const image = one.input("image");
  const { imageEmbeds, textStates, raw, reward } = network.apply(params, image, {
    inputIds: one.input("input_ids"),
    attentionMask: one.allInputs().attention_mask,
  });
  return {
    image_embeds: imageEmbeds,
    text_last_hidden_state: textStates,
    raw_score: raw,
    reward,
    ...gradients(one, { reward }, { ...Object.fromEntries(flattenParams(params)), image }),
  };
}
