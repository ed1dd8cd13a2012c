import { type Conv2dParams, layerNorm, type LayerNormParams, linear, type LinearParams, normal } from "@dipp/nn";
import { patchEmbed } from "@dipp/scores";
import { cat, fold, gelu, scaledDotProductAttention, type Tensor, zeros } from "@dipp/tensor";

/** The size of a {@linkcode BlipVisionTransformer}, with timm's names. */
export interface BlipVisionConfig {
  /** Side of an image. */
  readonly image_size: number;
  /** Side of a patch. */
  readonly patch_size: number;
  /** Width. */
  readonly embed_dim: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Attention heads. */
  readonly num_heads: number;
  /** Width of the hidden layer of each feed-forward over the width. */
  readonly mlp_ratio: number;
  /** Epsilon of the layer norms. */
  readonly layer_norm_eps: number;
  /** Whether queries, keys and values have a bias. */
  readonly qkv_bias: boolean;
}

/** Parameters of one block, with timm's names. */
export type BlipBlockParams = {
  /** Norm before attention. */
  norm1: LayerNormParams;
  /** Attention; queries, keys and values are one layer. */
  attn: { qkv: LinearParams; proj: LinearParams };
  /** Norm before the feed-forward. */
  norm2: LayerNormParams;
  /** Feed-forward. */
  mlp: { fc1: LinearParams; fc2: LinearParams };
};

/** Parameters of a {@linkcode BlipVisionTransformer}, with timm's names. */
export type BlipVisionParams = {
  /** Class token, `[1, 1, D]`. */
  cls_token: Tensor;
  /** Positions, the class token's first, `[1, 1 + patches, D]`. */
  pos_embed: Tensor;
  /** Projection of the patches. */
  patch_embed: { proj: Conv2dParams };
  /** The blocks. */
  blocks: BlipBlockParams[];
  /** The last norm, of every token. */
  norm: LayerNormParams;
};

/** BLIP's vision transformer (Li et al. 2022), timm's ViT with the class token kept and every token normalised. */
export class BlipVisionTransformer {
  /** The size. */
  readonly config: BlipVisionConfig;

  /** Takes a checked configuration. */
  constructor(config: BlipVisionConfig) {
    this.config = config;
  }

  /** Draws parameters from a random key. */
  init(key: Tensor): BlipVisionParams {
    const { image_size, patch_size, embed_dim: width, depth, mlp_ratio, qkv_bias } = this.config;
    const positions = (image_size / patch_size) ** 2 + 1;
    const hidden = Math.trunc(width * mlp_ratio);
    const dense = (key: Tensor, out: number, from: number, bias = true): LinearParams => ({
      weight: normal(key, [out, from], 0.02),
      ...(bias ? { bias: zeros([out]) } : {}),
    });
    const blocks = Array.from({ length: depth }, (_, i) => {
      const own = fold(fold(key, 3), i);
      return {
        norm1: layerNorm.init(width),
        attn: { qkv: dense(fold(own, 0), 3 * width, width, qkv_bias), proj: dense(fold(own, 1), width, width) },
        norm2: layerNorm.init(width),
        mlp: { fc1: dense(fold(own, 2), hidden, width), fc2: dense(fold(own, 3), width, hidden) },
      };
    });
    return {
      cls_token: normal(fold(key, 0), [1, 1, width], 0.02),
      pos_embed: normal(fold(key, 1), [1, positions, width], 0.02),
      patch_embed: patchEmbed.init(fold(key, 2), 3, patch_size, width),
      blocks,
      norm: layerNorm.init(width),
    };
  }

  /**
   * Encodes images.
   *
   * @param params the parameters
   * @param images normalised, `[B, 3, image_size, image_size]`
   * @returns `[B, 1 + patches, D]`
   * @throws {TypeError} when the images have another shape
   */
  apply(params: BlipVisionParams, images: Tensor): Tensor {
    const { image_size: size, layer_norm_eps: eps, num_heads: heads } = this.config;
    if (images.ndim !== 4 || `${images.shape.slice(1)}` !== `${[3, size, size]}`) {
      throw new TypeError(`BlipVisionTransformer cannot encode [${images.shape}]: expected [B, 3, ${size}, ${size}]`);
    }
    const patches = patchEmbed.apply(params.patch_embed, images);
    const [batch, count, width] = patches.shape;
    let x = cat([params.cls_token.expand([batch, 1, width]), patches], 1).add(params.pos_embed);
    for (const { norm1, attn, norm2, mlp } of params.blocks) {
      const qkv = linear.apply(attn.qkv, layerNorm.apply(norm1, x, eps))
        .reshape([batch, count + 1, 3, heads, width / heads]).permute([2, 0, 3, 1, 4]);
      const attended = scaledDotProductAttention(qkv.select(0, 0), qkv.select(0, 1), qkv.select(0, 2));
      x = x.add(linear.apply(attn.proj, attended.permute([0, 2, 1, 3]).reshape([batch, count + 1, width])));
      const h = gelu(linear.apply(mlp.fc1, layerNorm.apply(norm2, x, eps)));
      x = x.add(linear.apply(mlp.fc2, h));
    }
    return layerNorm.apply(params.norm, x, eps);
  }
}
