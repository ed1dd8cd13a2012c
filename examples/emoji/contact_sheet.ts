/**
 * Draws a choice of emoji as one picture, Noto beside Twemoji, to see what a run learns from:
 *
 *     deno run -A examples/emoji/contact_sheet.ts core core.png
 */
import { imageGrid } from "../../packages/train/image_grid.ts";
import { writePng } from "../../packages/train/images.ts";
import { loadEmoji } from "./dataset.ts";
import { type PresetName, PRESETS } from "./presets.ts";

if (import.meta.main) {
  const [preset, path] = Deno.args;
  if (!(preset in PRESETS) || path === undefined) {
    const presets = Object.entries(PRESETS).map(([name, p]) => `  ${name.padEnd(6)} ${p.description}`).join("\n");
    console.error(
      `Usage: contact_sheet.ts PRESET FILE.png\n\nPresets:\n${presets}`,
    );
    Deno.exit(2);
  }
  const data = await loadEmoji({ preset: preset as PresetName });
  const pairs = new Float32Array(data.emoji.length * 2 * data.imageLength);
  data.emoji.forEach((_, i) => {
    data.copyImage(pairs, 2 * i * data.imageLength, i, "google");
    data.copyImage(pairs, (2 * i + 1) * data.imageLength, i, "twitter");
  });
  const labels = data.names.flatMap((name) => [name, ""]);
  const shape = [2 * data.emoji.length, 3, data.size, data.size];
  await writePng(
    path,
    imageGrid({ data: pairs, shape }, { columns: 28, padding: 6, labels }),
  );
  console.log(
    `${path}: ${data.emoji.length} names, ${data.heldOut.length} of them held out, ${data.vocabulary.words.length} words`,
  );
}
