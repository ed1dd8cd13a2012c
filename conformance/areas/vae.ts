import { flattenParams, loadParams } from "@dipp/nn";
import { AutoencoderKL, currentVaeNames } from "@dipp/scores";
import { key } from "@dipp/tensor";
import type { Area } from "../area.ts";
import { gradients } from "../gradients.ts";

/** Autoencoders. Gradients have the parameters' present names, whatever the checkpoint calls them. */
export const vae: Area = (one) => {
  const network = new AutoencoderKL(one.field("config"));
  const params = loadParams(network.init(key(0)), currentVaeNames(one.weights));
  const { noise, scaled_latents: scaled, ...inputs } = one.allInputs();
  const latents = network.encode(params, one.input("pixels"));
  const { moments, mean, logvar, std } = latents;
  const decoded = network.decode(params, one.input("latents"));
  return {
    moments,
    mean,
    logvar,
    std,
    sample_with_noise: noise && latents.sample(noise),
    decoded,
    decoded_from_scaled: scaled && network.decode(params, scaled.div(network.config.scaling_factor)),
    ...gradients(one, { moments, decoded }, { ...inputs, ...Object.fromEntries(flattenParams(params)) }),
  };
};
