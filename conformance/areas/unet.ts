import { flattenParams, loadParams } from "@dipp/nn";
import { UNet2DConditionModel } from "@dipp/scores";
import { key, type Tensor } from "@dipp/tensor";
import type { Area } from "../area.ts";
import { gradients } from "../gradients.ts";

/** The UNets of Stable Diffusion; `sample_scalar_timestep` is the call with one timestep for the whole batch. */
export const unet: Area = (one) => {
  const network = new UNet2DConditionModel(one.field("config"));
  const params = loadParams(network.init(key(0)), one.weights);
  const inputs = one.allInputs();
  const { text_embeds: textEmbeds, time_ids: timeIds } = inputs;
  const run = (timestep: Tensor) =>
    network.apply(params, {
      sample: one.input("sample"),
      timestep,
      encoderHiddenStates: one.input("encoder_hidden_states"),
      encoderAttentionMask: inputs.encoder_attention_mask,
      addedCondKwargs: textEmbeds && timeIds && { textEmbeds, timeIds },
    });
  const sample = run(one.input("timestep"));
  return {
    sample,
    sample_scalar_timestep: inputs.timestep_scalar && run(inputs.timestep_scalar),
    ...gradients(one, { sample }, { ...inputs, ...Object.fromEntries(flattenParams(params)) }),
  };
};
