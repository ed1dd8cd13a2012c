import { CLIPTextModelWithProjection, type CLIPTextWithProjectionParams, type TextInputs } from "@dipp/scores";
import { fold, l2Normalize, scalar, type Tensor } from "@dipp/tensor";
import { type CLIPConfig, parseCLIPConfig } from "./clip_config.ts";
import { CLIPVisionModel, type CLIPVisionParams } from "./clip_vision.ts";

/** Parameters of {@linkcode CLIPModel}, with transformers' names. */
export type CLIPParams = CLIPTextWithProjectionParams & CLIPVisionParams & {
  /** Logarithm of the inverse temperature, []. */
  logit_scale: Tensor;
};

/**
 * CLIP: texts and images on one unit sphere (Radford et al. 2021). Configuration, parameter names and results are those
 * of transformers' `CLIPModel`; open_clip's checkpoints go through {@linkcode fromOpenClip} first.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CLIPModel } from "@dipp/rewards";
 * import { key, tensor, uniform } from "@dipp/tensor";
 *
 * const size = { hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1 };
 * const clip = new CLIPModel({
 *   projection_dim: 6,
 *   text_config: { ...size, vocab_size: 10 },
 *   vision_config: { ...size, image_size: 8, patch_size: 4 },
 * });
 * const params = clip.init(key(0));
 * const images = clip.imageEmbeds(params, uniform(key(1), [2, 3, 8, 8]));
 * const texts = clip.textEmbeds(params, { inputIds: tensor([[1, 5, 9], [2, 9, 9]], [2, 3], "i32") });
 * assertEquals([images.shape, texts.shape], [[2, 6], [2, 6]]);
 * ```
 */
export class CLIPModel {
  /** The complete configuration. */
  readonly config: CLIPConfig;
  /** Names in released checkpoints that are no parameters. */
  readonly ignored: RegExp = /position_ids$/;
  /** The text encoder. */
  readonly text: CLIPTextModelWithProjection;
  /** The vision encoder. */
  readonly vision: CLIPVisionModel;

  /**
   * Checks the configuration.
   *
   * @param config transformers' `config.json`, or part of it; see {@linkcode CLIPConfig}.
   * @throws {TypeError} When the configuration is wrong or not supported.
   */
  constructor(config: unknown) {
    this.config = parseCLIPConfig(config);
    this.text = new CLIPTextModelWithProjection(this.config.text_config);
    this.vision = new CLIPVisionModel(this.config.vision_config);
  }

  /**
   * Draws parameters as CLIP does.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): CLIPParams {
    return {
      ...this.text.init(fold(key, 0)),
      ...this.vision.init(fold(key, 1)),
      logit_scale: scalar(this.config.logit_scale_init_value),
    };
  }

  /**
   * Encodes images.
   *
   * @param params The parameters.
   * @param pixelValues Normalised images, `[B, 3, image_size, image_size]`.
   * @returns Of unit length, `[B, projection_dim]`.
   */
  imageEmbeds(params: CLIPVisionParams, pixelValues: Tensor): Tensor {
    return l2Normalize(this.vision.apply(params, pixelValues).imageEmbeds);
  }

  /**
   * Encodes texts. Padding after the token that ends a text changes nothing, since no token sees a later one.
   *
   * @param params The parameters.
   * @param inputs Ids and mask.
   * @returns Of unit length, `[B, projection_dim]`.
   */
  textEmbeds(params: CLIPTextWithProjectionParams, inputs: TextInputs): Tensor {
    return l2Normalize(this.text.apply(params, inputs).textEmbeds);
  }
}
