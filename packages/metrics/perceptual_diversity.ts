import { type Tensor, tensor } from "@dipp/tensor";
import { promptKeys, type Prompts } from "@dipp/rewards";
import { lpipsLayers } from "./lpips_distance.ts";
import type { MergeableMetric } from "./metric.ts";

/** A backbone whose feature maps LPIPS compares: AlexNet's or VGG's, or any other with weights for its channels. */
export interface PerceptualBackbone {
  /** Feature maps of images `[B, 3, H, W]` in [0, 1], normalised as the backbone wants: `[B, C, H', W']` a layer. */
  layers(images: Tensor): Tensor[];
  /** Weights of the channels of each layer, `[1, C, 1, 1]`. */
  readonly weights: readonly Tensor[];
}

/** What {@linkcode PerceptualDiversity} keeps: the images seen under each prompt. */
export interface PerceptualDiversityState {
  /** `[3, H, W]` of every image. */
  readonly shape: readonly number[];
  /** Prompt and pixels of its images. */
  readonly groups: readonly (readonly [prompt: string, images: readonly (readonly number[])[]])[];
}

/**
 * Within-prompt diversity as DMD2 measures it: the mean LPIPS distance (Zhang et al. 2018) between two images of one
 * prompt, mean over prompts. Images of a prompt may come in different batches; they are kept as 32-bit floats on the
 * host, and all pairs are compared in `compute`, one image against the others at a time.
 *
 * @example One layer that is the image itself
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { PerceptualDiversity } from "@dipp/metrics";
 * import { ones, tensor } from "@dipp/tensor";
 *
 * const backbone = { layers: (x: ReturnType<typeof ones>) => [x], weights: [ones([1, 3, 1, 1])] };
 * const metric = new PerceptualDiversity(backbone);
 * const images = tensor([1, 0, 0, 0, 1, 0], [2, 3, 1, 1]);
 * await metric.update(images, { ids: tensor([[1], [1]], [2, 1], "i32") });
 * assertEquals(Math.round(await metric.compute() * 1e5), 2e5); // |(1, 0, 0) - (0, 1, 0)|^2
 * ```
 */
export class PerceptualDiversity implements MergeableMetric<PerceptualDiversityState> {
  /** What it is called in a report. */
  readonly name: string;
  readonly #backbone: PerceptualBackbone;
  readonly #groups: Map<string, Float32Array[]> = new Map();
  #shape: readonly number[] | undefined;

  /**
   * Measures with a backbone.
   *
   * @param backbone feature maps and weights
   * @param name what to call it in a report
   */
  constructor(backbone: PerceptualBackbone, name = "lpips diversity") {
    this.#backbone = backbone;
    this.name = name;
  }

  /** See {@linkcode Metric}. Throws a RangeError for images of another size than those before. */
  async update(images: Tensor, prompts: Prompts): Promise<void> {
    const keys = await promptKeys(prompts);
    const shape = images.shape.slice(1);
    this.#expect(shape);
    const width = shape.reduce((a, b) => a * b, 1);
    const data = await images.cast("f32").data();
    keys.forEach((key, b) => this.#group(key).push(Float32Array.from(data.subarray(b * width, (b + 1) * width))));
  }

  /** The mean over prompts with two images at least; NaN when there is none. */
  async compute(): Promise<number> {
    const means: number[] = [];
    for (const images of this.#groups.values()) if (images.length > 1) means.push(await this.#meanDistance(images));
    return means.reduce((a, b) => a + b, 0) / means.length;
  }

  /** See {@linkcode MergeableMetric}. */
  state(): PerceptualDiversityState {
    return {
      shape: this.#shape ?? [],
      groups: [...this.#groups].map(([key, images]) => [key, images.map((image) => [...image])]),
    };
  }

  /** See {@linkcode MergeableMetric}. */
  merge(state: PerceptualDiversityState): void {
    if (state.groups.length === 0) return;
    this.#expect(state.shape);
    for (const [key, images] of state.groups) this.#group(key).push(...images.map((x) => Float32Array.from(x)));
  }

  async #meanDistance(images: readonly Float32Array[]): Promise<number> {
    let sum = 0;
    const stack = (rows: readonly Float32Array[]) => {
      const all = new Float32Array(rows.length * rows[0].length);
      rows.forEach((row, i) => all.set(row, i * row.length));
      return tensor(all, [rows.length, ...this.#shape!]);
    };
    for (let i = 1; i < images.length; i++) {
      const others = this.#backbone.layers(stack(images.slice(0, i)));
      const own = this.#backbone.layers(stack(new Array<Float32Array>(i).fill(images[i])));
      const parts = await Promise.all(lpipsLayers(others, own, this.#backbone.weights).map((layer) => layer.data()));
      for (const part of parts) for (const x of part) sum += x;
    }
    return sum / (images.length * (images.length - 1) / 2);
  }

  #expect(shape: readonly number[]): void {
    this.#shape ??= [...shape];
    if (this.#shape.join() !== shape.join()) {
      throw new RangeError(`${this.name} has images of shape [${shape}] after [${this.#shape}], expected one shape`);
    }
  }

  #group(key: string): Float32Array[] {
    let images = this.#groups.get(key);
    if (!images) this.#groups.set(key, images = []);
    return images;
  }
}
