import type { Params, StoredTensor } from "@dipp/nn";
import type { Tensor } from "@dipp/tensor";
import { AutoencoderKL } from "../networks/autoencoder_kl.ts";
import { DiTTransformer2DModel } from "../networks/dit_transformer_2d.ts";
import { PixArtTransformer2DModel } from "../networks/pixart_transformer_2d.ts";
import { UNet2DConditionModel } from "../networks/unet_2d_condition.ts";
import { currentVaeNames } from "../networks/vae/legacy_names.ts";
import { CLIPTextModel, CLIPTextModelWithProjection } from "../text/clip_text.ts";
import { T5EncoderModel } from "../text/t5_encoder.ts";
import { diffusersPixArtNames } from "./original_pixart_names.ts";

/** A network that a component of a diffusers directory may be. */
export type ComponentNetwork =
  | UNet2DConditionModel
  | PixArtTransformer2DModel
  | DiTTransformer2DModel
  | AutoencoderKL
  | CLIPTextModel
  | CLIPTextModelWithProjection
  | T5EncoderModel;

/** What is known of a class. */
export interface ComponentClass {
  /** Makes the network. */
  readonly make: (config: unknown) => ComponentNetwork & { init(key: Tensor): Params };
  /** The name of its weights, without ending. */
  readonly weights: "diffusion_pytorch_model" | "model";
  /** Present names of tensors that older files call otherwise. */
  readonly names?: (tensors: ReadonlyMap<string, StoredTensor>) => Map<string, StoredTensor>;
}

const DIFFUSERS = "diffusion_pytorch_model", TRANSFORMERS = "model";

/** The classes by diffusers' and transformers' names. */
export const COMPONENTS: Readonly<Record<string, ComponentClass>> = {
  UNet2DConditionModel: { make: (c) => new UNet2DConditionModel(c), weights: DIFFUSERS },
  PixArtTransformer2DModel: {
    make: (c) => new PixArtTransformer2DModel(c),
    weights: DIFFUSERS,
    names: diffusersPixArtNames,
  },
  // What PixArt's released files are of; its configuration refuses other transformers of that class
  Transformer2DModel: { make: (c) => new PixArtTransformer2DModel(c), weights: DIFFUSERS, names: diffusersPixArtNames },
  DiTTransformer2DModel: { make: (c) => new DiTTransformer2DModel(c), weights: DIFFUSERS },
  AutoencoderKL: { make: (c) => new AutoencoderKL(c), weights: DIFFUSERS, names: currentVaeNames },
  CLIPTextModel: { make: (c) => new CLIPTextModel(c), weights: TRANSFORMERS },
  CLIPTextModelWithProjection: { make: (c) => new CLIPTextModelWithProjection(c), weights: TRANSFORMERS },
  T5EncoderModel: { make: (c) => new T5EncoderModel(c), weights: TRANSFORMERS },
};

/** The fields of configurations that count layers. */
const DEPTHS = ["num_layers", "num_hidden_layers", "layers_per_block", "transformer_layers_per_block"] as const;

/**
 * Refuses a configuration that claims more layers than a checkpoint can hold, before as many are made: every layer has
 * a tensor at least.
 *
 * @param config The configuration.
 * @param tensors The number of tensors in the checkpoint.
 * @param path Where the configuration is, for the error.
 * @throws {RangeError} If it claims more.
 */
export function checkDepth(config: Readonly<Record<string, unknown>>, tensors: number, path: string): void {
  for (const name of DEPTHS) {
    for (const value of [config[name]].flat()) {
      if (typeof value !== "number" || value <= Math.max(tensors, 1)) continue;
      throw new RangeError(`Cannot load ${path}: ${name} is ${value}, but its checkpoint holds ${tensors} tensors`);
    }
  }
}
