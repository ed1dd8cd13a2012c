import { flattenParams, loadParams } from "@dipp/nn";
import { DiTTransformer2DModel, PixArtTransformer2DModel } from "@dipp/scores";
import { key } from "@dipp/tensor";
import { type Area, Skipped } from "../area.ts";
import type { GoldenCase } from "../golden_case.ts";
import { gradients } from "../gradients.ts";

/** Diffusion transformers, told apart by their class in diffusers. */
export const dit: Area = (one) => {
  const name = one.field<{ _class_name?: string }>("config")._class_name;
  if (name === "PixArtTransformer2DModel") return pixart(one);
  if (name === "DiTTransformer2DModel") return classConditional(one);
  throw new Skipped(`nothing here computes the network "${name}"`);
};

/** `pos_embed` is the table of positions that is added to the patches of every image. */
function pixart(one: GoldenCase): ReturnType<Area> {
  const network = new PixArtTransformer2DModel(one.field("config"));
  const params = loadParams(network.init(key(0)), one.weights);
  const inputs = one.allInputs();
  const { resolution, aspect_ratio: aspectRatio } = inputs;
  const sample = network.apply(params, {
    sample: one.input("hidden_states"),
    timestep: one.input("timestep"),
    encoderHiddenStates: one.input("encoder_hidden_states"),
    encoderAttentionMask: inputs.encoder_attention_mask,
    addedCondKwargs: resolution && { resolution, aspectRatio: aspectRatio! },
  });
  const [batch, , height, width] = one.input("hidden_states").shape;
  const patch = network.config.patch_size;
  const positions = network.positions(height / patch, width / patch);
  return {
    sample,
    pos_embed: positions.expand([batch, ...positions.shape.slice(1)]),
    ...gradients(one, { sample }, { ...inputs, ...Object.fromEntries(flattenParams(params)) }),
  };
}

function classConditional(one: GoldenCase): ReturnType<Area> {
  const network = new DiTTransformer2DModel(one.field("config"));
  const params = loadParams(network.init(key(0)), one.weights);
  const sample = network.apply(params, {
    sample: one.input("hidden_states"),
    timestep: one.input("timestep"),
    classLabels: one.input("class_labels"),
  });
  return {
    sample,
    ...gradients(one, { sample }, { ...one.allInputs(), ...Object.fromEntries(flattenParams(params)) }),
  };
}
