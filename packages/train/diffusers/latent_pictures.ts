/** Pictures of what a latent generator draws, always of the same prompts from the same noise, and what they are worth. */
import { type Cond, condFields } from "@dipp/scores";
import { compile, randn, type Tensor, tensor } from "@dipp/tensor";
import { imageGrid } from "../image_grid.ts";
import { writePng } from "../images.ts";
import type { TrainingReward } from "../models/training_reward.ts";
import { spread } from "../run/sample_pictures.ts";
import { stepKey, STREAM } from "../run/step_key.ts";
import type { PromptStream } from "./prompt_stream.ts";

/** Draws images in [0, 1] (not clamped) from noise and a condition as the file holds it. */
export type LatentDraw = (noise: Tensor, cond: Cond) => Tensor;

/** A fixed set of prompts with noise; one picture is drawn at a time. */
export class LatentPictures {
  readonly #stream: PromptStream;
  readonly #numbers: readonly number[];
  readonly #shape: readonly number[];
  readonly #seed: number;
  readonly #reward: TrainingReward | undefined;

  /**
   * Chooses prompts, spread evenly.
   *
   * @param stream All prompts.
   * @param options How many; the shape of the latents `[C, h, w]`; seed of the noise; the reward, where there is one.
   */
  constructor(
    stream: PromptStream,
    options: { count: number; shape: readonly number[]; seed: number; reward: TrainingReward | undefined },
  ) {
    const { count, shape, seed, reward } = options;
    this.#stream = stream;
    this.#numbers = spread(Array.from({ length: stream.count }, (_, i) => i), count);
    [this.#shape, this.#seed, this.#reward] = [shape, seed, reward];
  }

  /**
   * Draws all prompts into a PNG file.
   *
   * @param path The file; its directory is made.
   * @param draw The generator. What it compiles to is let go at the end.
   * @returns The mean reward; nothing where there is no reward.
   */
  async write(path: string, draw: LatentDraw): Promise<{ reward?: number }> {
    const reward = this.#reward;
    const { cond, prompts } = await this.#stream.rows(this.#numbers);
    const ids = reward && tensor(reward.encode(prompts), [prompts.length, reward.length]);
    using run = compile(({ noise, ids, ...cond }: Record<string, Tensor>) => {
      const images = draw(noise, cond);
      return { images: images.clamp(0, 1), ...(reward && { score: reward.reward.score(images, reward.prompts(ids)) }) };
    });
    const pictures: Float32Array[] = [], scores: number[] = [];
    let shape: readonly number[] = [];
    for (const i of prompts.keys()) {
      const row = async (field: Tensor) => await field.slice([[i, i + 1]]).realize();
      const fields: Record<string, Tensor> = { ...(ids && { ids: await row(ids) }) };
      for (const [name, field] of Object.entries(condFields(cond))) fields[name] = await row(field);
      const noise = await randn(stepKey(this.#seed, STREAM.samples, i), [1, ...this.#shape]).realize();
      const { images, score } = run({ noise, ...fields });
      pictures.push(await images.data() as Float32Array);
      if (score) scores.push(await score.item());
      shape = images.shape;
    }
    const data = new Float32Array(pictures.length * pictures[0].length);
    pictures.forEach((picture, i) => data.set(picture, i * picture.length));
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")) || ".", { recursive: true });
    const columns = Math.min(pictures.length, 4);
    await writePng(path, imageGrid({ data, shape: [pictures.length, ...shape.slice(1)] }, { columns }));
    return scores.length === 0 ? {} : { reward: scores.reduce((a, b) => a + b) / scores.length };
  }
}
