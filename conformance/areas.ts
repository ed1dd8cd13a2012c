import type { Area } from "./area.ts";
import { clip } from "./areas/clip.ts";
import { dit } from "./areas/dit.ts";
import { imagePreprocess } from "./areas/image_preprocess.ts";
import { metrics } from "./areas/metrics.ts";
import { objectives } from "./areas/objectives.ts";
import { onnx } from "./areas/onnx.ts";
import { ops } from "./areas/ops.ts";
import { optim } from "./areas/optim.ts";
import { rewards } from "./areas/rewards.ts";
import { schedules } from "./areas/schedules.ts";
import { text } from "./areas/text.ts";
import { unet } from "./areas/unet.ts";
import { vae } from "./areas/vae.ts";

/** What computes the cases of each area, by the name of its folder. */
export const AREAS: Readonly<Record<string, Area>> = {
  clip,
  dit,
  image_preprocess: imagePreprocess,
  metrics,
  objectives,
  onnx,
  ops,
  optim,
  rewards,
  schedules,
  text,
  unet,
  vae,
};
