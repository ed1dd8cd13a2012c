/** The emoji as a data set of dipp's training stages: what `data.module` of the configurations here names. */
import type { BatchRequest, ImageTextData } from "@dipp/train";
import { z } from "zod";
import { imageBatches, promptBatches } from "./batches.ts";
import { loadEmoji } from "./dataset.ts";
import { type Vendor, VENDORS } from "./drawings.ts";
import { preferenceBatches } from "./preference_batches.ts";
import { PRESETS } from "./presets.ts";

const vendor = z.enum(["google", "twitter"]);

/** The keys of `data` besides `module`. */
const schema = z.strictObject({
  preset: z.enum(Object.keys(PRESETS) as [string, ...string[]]).default("full"),
  categories: z.array(z.string()).optional(),
  subcategories: z.array(z.string()).optional(),
  names: z.array(z.string()).optional(),
  vendors: z.array(vendor).min(1).default([...VENDORS]),
  size: z.union([8, 16, 32, 64].map((n) => z.literal(n))).default(32),
  held_out: z.number().min(0).lt(1).default(0.1),
  mirror: z.boolean().default(false),
  preferred: vendor.default("twitter"),
});

/**
 * Loads the emoji for training.
 *
 * @param options Keys as in the schema above; unknown ones are refused.
 * @returns The data set.
 * @throws {z.ZodError} If an option is wrong.
 */
export async function loadTrainingData(options: Readonly<Record<string, unknown>>): Promise<ImageTextData> {
  const { held_out, mirror, preferred, preset, ...rest } = schema.parse(options, { reportInput: true });
  const emoji = await loadEmoji({ ...rest, preset: preset as keyof typeof PRESETS, heldOut: held_out });
  const rejected: Vendor = preferred === "twitter" ? "google" : "twitter";
  return {
    source: "Noto Emoji (Google, Apache-2.0) and Twemoji (Twitter, CC-BY 4.0), " +
      "from the npm packages emoji-datasource-google and emoji-datasource-twitter 16.0.0",
    size: emoji.size,
    prompts: emoji.names,
    train: emoji.train,
    heldOut: emoji.heldOut,
    vocabulary: emoji.vocabulary,
    imageBatches: (request: BatchRequest & { nullProbability?: number }) => imageBatches(emoji, { ...request, mirror }),
    promptBatches: (request: BatchRequest) => promptBatches(emoji, request),
    pairBatches: (request: BatchRequest) => preferenceBatches(emoji, { ...request, mirror, preferred }),
    images: (prompts) => {
      const parts = emoji.vendors.map((v) => emoji.images(v, prompts).data);
      const all = new Float32Array(parts.length * prompts.length * emoji.imageLength);
      parts.forEach((part, i) => all.set(part, i * part.length));
      return all;
    },
    pairs: (prompts) => ({
      preferred: emoji.images(preferred, prompts).data,
      rejected: emoji.images(rejected, prompts).data,
    }),
  };
}
