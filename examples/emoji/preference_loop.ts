/**
 * The whole loop from choices to an aligned generator, with a judge that stands in for a person: draw pairs from the
 * distilled generator, choose, train a reward on the choices, align with it, and ask the judge again.
 *
 *     deno run -A examples/emoji/preference_loop.ts [--pairs N] [--steps N] [--out DIR]
 */
import { init } from "@dipp/tensor";
import { checkpointSource } from "../../packages/train/evaluate/image_source.ts";
import { evaluationItems } from "../../packages/train/evaluate/evaluation_items.ts";
import { promptSet } from "../../packages/train/evaluate/prompt_set.ts";
import { fromPlanar, readImage, type RgbImage } from "../../packages/train/images.ts";
import { main } from "../../packages/train/cli.ts";
import { readOptions } from "../../packages/train/cli/options.ts";
import { readModel } from "../../packages/train/models/model_file.ts";
import { PreferenceSession } from "../../packages/train/prefer/preference_session.ts";
import { parsePreferences } from "../../packages/train/preferences/preference_line.ts";
import { loadEmoji } from "./dataset.ts";
import { judge, taste } from "./judge.ts";

const HERE = new URL(".", import.meta.url).pathname;
const GENERATOR = `${HERE}checkpoints/distill-dit.safetensors`;
const SEED = 0;

/** Weight of the reward: its scores spread less than those of the shipped one, on which the weight is 8. */
const ALPHA = 20;

/** Images drawn at a time. */
const BATCH = 32;

const source = async (path: string) =>
  await checkpointSource(await readModel(path, ["generator"]), { steps: 1, omega: 1, batchSize: BATCH });

/** Pictures of prompts, two of each, from noise that no pair was drawn from. */
async function draw(path: string, prompts: readonly string[]): Promise<RgbImage[]> {
  const drawing = await source(path), items = evaluationItems(promptSet("emoji", prompts), 2);
  const images: RgbImage[] = [];
  for (let at = 0; at < items.length; at += BATCH) {
    const { data, shape } = await drawing.draw(items.slice(at, at + BATCH), SEED + 1);
    images.push(...fromPlanar(data, shape[3], shape[2]));
  }
  return images;
}

/** What was chosen. */
interface Chosen {
  /** How often one was preferred, and how often neither was. */
  readonly text: string;
  /** How often the judge chose what it likes better: no reward can foresee more of its choices. */
  readonly consistent: number;
}

/** Chooses between pairs until all are judged; goes on where an earlier run stopped. */
async function choose(out: string, prompts: readonly string[], pairsPerPrompt: number): Promise<Chosen> {
  const options = { out, source: await source(GENERATOR), prompts, pairsPerPrompt, seed: SEED };
  using session = await PreferenceSession.open(options);
  for (let state = await session.state();; state = await session.state()) {
    if (state.prompt === null) {
      const { chosen, ties } = state.counts;
      return { text: `${chosen} chosen, ${ties} ties`, consistent: await consistency(out) };
    }
    const [left, right] = await Promise.all(state.files.map((name) => readImage(`${session.folder}/${name}`)));
    await session.choose(state.pair, judge(left, right, SEED, state.pair));
  }
}

/** How often the preferred picture of a pair is the one that the judge likes better. */
async function consistency(file: string): Promise<number> {
  const decided = parsePreferences(await Deno.readTextFile(file), file).filter(({ isTie }) => !isTie);
  const folder = file.slice(0, file.lastIndexOf("/"));
  const liked = async (path: string) => taste(await readImage(`${folder}/${path}`));
  let count = 0;
  for (const { chosen, rejected } of decided) if (await liked(chosen) > await liked(rejected)) count++;
  return count / decided.length;
}

async function train(config: string, out: string, ...sets: string[]): Promise<Record<string, unknown>> {
  const code = await main(["train", `${HERE}${config}`, "--out", out, ...sets.flatMap((set) => ["--set", set])]);
  if (code !== 0) throw new Error(`Training of ${config} ended with code ${code}`);
  const lines = (await Deno.readTextFile(`${out}/metrics.jsonl`)).trim().split("\n");
  return JSON.parse(lines.at(-1)!);
}

if (import.meta.main) {
  const options = readOptions(Deno.args, { string: ["pairs", "steps", "out"], boolean: [] });
  const out = options.text("out") ?? "runs/preference-loop";
  await init();
  const { names } = await loadEmoji({ preset: "small" });
  const choices = `${Deno.cwd()}/${out}/choices.jsonl`;
  const { text, consistent } = await choose(choices, names, options.integer("pairs", 1) ?? 6);
  const percent = (x: number) => `${(100 * x).toFixed(1)} %`;
  console.log(`Choices: ${text}; ${percent(consistent)} of them for the picture that the judge likes better`);
  const reward = await train("choices.json", `${out}/reward`, `data.preferences=${choices}`);
  await train(
    "align-dit.json",
    `${out}/align`,
    `reward=${Deno.cwd()}/${out}/reward/model.safetensors`,
    `steps=${options.integer("steps", 1) ?? 20}`,
    `objective.alpha_rew=${ALPHA}`,
    // The held-out reward of the configuration has a taste of its own: it tells nothing of this one
    'watch.stop={"parted":null,"below":{"clipscore":0.8}}',
    "sample_every=0",
  );
  const before = await draw(GENERATOR, names), after = await draw(`${out}/align/model.safetensors`, names);
  const mean = (images: readonly RgbImage[]) => images.reduce((sum, image) => sum + taste(image), 0) / images.length;
  const wins = after.filter((image, i) => taste(image) > taste(before[i])).length / after.length;
  console.log(
    `Reward: ${percent(reward.held_out_accuracy as number)} of held-out choices, calibration error ` +
      percent(reward.calibration_error as number),
  );
  console.log(
    `Judge's taste: ${mean(before).toFixed(4)} before, ${mean(after).toFixed(4)} after; it prefers the aligned ` +
      `generator's picture of the same noise in ${percent(wins)} of ${after.length}`,
  );
}
