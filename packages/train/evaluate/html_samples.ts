/** Pictures of a report as HTML. */
import { number } from "./format_number.ts";
import { escape } from "./html_text.ts";
import type { ReportImage, ReportMetric } from "./report.ts";

/** Samples shown at either end of a score, two whole rows of single images or of pairs, and in the even choice. */
const SINGLES = 16, PAIRS = 12, EVEN = 24;

/** Sides up to which images are drawn pixel by pixel. */
const TINY = 96;

/** An image for the page. */
export interface EmbeddedImage {
  /** A `data:` URL. */
  readonly url: string;
  /** Its width in pixels. */
  readonly width: number;
}

/** Gives an image file as an image for the page. */
export type Embed = (file: string) => Promise<EmbeddedImage>;

/**
 * The best and the worst images by each score, one of a prompt at most, and some of all, evenly.
 *
 * @param scored The metrics that score each image.
 * @param images All images.
 * @param embed Reads those that are shown.
 * @returns HTML.
 */
export async function samples(
  scored: readonly ReportMetric[],
  images: readonly ReportImage[],
  embed: Embed,
): Promise<string> {
  const isPaired = images[0].other !== undefined;
  const parts: string[] = [];
  for (const { name, label, better } of scored) {
    const sign = better === "higher" ? 1 : -1;
    const best = onePerPrompt(images.toSorted((a, b) => sign * (b.scores[name] - a.scores[name])));
    const worst = onePerPrompt(images.toSorted((a, b) => sign * (a.scores[name] - b.scores[name])));
    const count = Math.min(isPaired ? PAIRS : SINGLES, Math.max(1, Math.floor(best.length / 2)));
    parts.push(
      `<h3>Best by ${escape(label)}</h3>`,
      await grid(best.slice(0, count), name, embed),
      `<h3>Worst by ${escape(label)}</h3>`,
      await grid(worst.slice(0, count), name, embed),
    );
  }
  const even = Math.min(EVEN, images.length);
  const chosen = Array.from({ length: even }, (_, i) => images[Math.floor(i * images.length / even)]);
  parts.push("<h3>Evenly over all prompts</h3>", await grid(chosen, scored[0]?.name, embed));
  return parts.join("\n");
}

/** The first image of each prompt: four of one prompt would crowd out what else is best. */
function onePerPrompt(images: readonly ReportImage[]): ReportImage[] {
  const seen = new Set<string>();
  return images.filter(({ prompt }) => !seen.has(prompt) && seen.add(prompt));
}

async function grid(images: readonly ReportImage[], metric: string | undefined, embed: Embed): Promise<string> {
  const cells = await Promise.all(images.map((image) => sample(image, metric, embed)));
  const isPaired = images.some(({ other }) => other !== undefined);
  return `<div class="grid${isPaired ? " paired" : ""}">${cells.join("\n")}</div>`;
}

async function sample(
  { file, prompt, copy, scores, other }: ReportImage,
  metric: string | undefined,
  embed: Embed,
): Promise<string> {
  const shown = [{ file, scores, whose: "this" }, ...(other ? [{ ...other, whose: "other" }] : [])];
  const parts = await Promise.all(shown.map(async ({ file, scores, whose }) => {
    const { url, width } = await embed(file);
    const score = metric === undefined ? "" : `<span class="score ${whose}">${number(scores[metric])}</span>`;
    const tiny = width <= TINY ? ` class="tiny"` : "";
    return `<div><img${tiny} src="${url}" alt="${escape(prompt)}" loading="lazy">${score}</div>`;
  }));
  const which = copy > 0 ? ` <span class="soft">no. ${copy + 1}</span>` : "";
  return `<figure class="sample"><div class="pair">${parts.join("")}</div><figcaption>${
    escape(prompt)
  }${which}</figcaption></figure>`;
}
