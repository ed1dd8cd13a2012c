import { openClipConfig } from "./open_clip.ts";
import type { CLIPConfig } from "./clip_config.ts";

const text = (width: number, heads: number, layers: number) => ({
  context_length: 77,
  vocab_size: 49408,
  width,
  heads,
  layers,
});

/**
 * The sizes of CLIP that rewards use. OpenAI's (B/32, L/14) have quick GELU, LAION's (H/14, g/14) the exact one; HPSv2
 * and PickScore are fine-tuned ViT-H/14.
 */
export const CLIP_CONFIGS: Readonly<Record<"ViT-B/32" | "ViT-L/14" | "ViT-H/14" | "ViT-g/14", CLIPConfig>> = {
  "ViT-B/32": openClipConfig({
    embed_dim: 512,
    quick_gelu: true,
    vision_cfg: { image_size: 224, layers: 12, width: 768, patch_size: 32 },
    text_cfg: text(512, 8, 12),
  }),
  "ViT-L/14": openClipConfig({
    embed_dim: 768,
    quick_gelu: true,
    vision_cfg: { image_size: 224, layers: 24, width: 1024, patch_size: 14 },
    text_cfg: text(768, 12, 12),
  }),
  "ViT-H/14": openClipConfig({
    embed_dim: 1024,
    vision_cfg: { image_size: 224, layers: 32, width: 1280, head_width: 80, patch_size: 14 },
    text_cfg: text(1024, 16, 24),
  }),
  "ViT-g/14": openClipConfig({
    embed_dim: 1024,
    vision_cfg: { image_size: 224, layers: 40, width: 1408, head_width: 88, mlp_ratio: 4.3637, patch_size: 14 },
    text_cfg: text(1024, 16, 24),
  }),
};
