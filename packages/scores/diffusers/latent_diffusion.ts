import type { Params, SaveCheckpointOptions } from "@dipp/nn";
import { init, type Tensor, tensor, treeLeaves } from "@dipp/tensor";
import { LatentDecoder } from "../latent_decoder.ts";
import { AutoencoderKL, type AutoencoderKLParams, type DecodeOptions } from "../networks/autoencoder_kl.ts";
import { PixArtTransformer2DModel } from "../networks/pixart_transformer_2d.ts";
import { UNet2DConditionModel } from "../networks/unet_2d_condition.ts";
import { bind, type Cond, type ForwardOptions, type Network, type ScoreModel } from "../types.ts";
import type { DiffusersDirectory } from "./directory.ts";
import type { Component, LoadComponentOptions } from "./load_component.ts";
import { saveDiffusers } from "./save_directory.ts";
import type { Scheduler } from "./scheduler.ts";

/** A size in pixels. */
export interface ImageSize {
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/**
 * The latent diffusion of a diffusers directory as it is described: the network between noise and latents, the
 * autoencoder, the scheduler. Weights are loaded apart, and need not be there to reason about shapes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DiffusersDirectory, LatentDiffusion } from "@dipp/scores";
 *
 * const path = new URL(import.meta.resolve("../../../testdata/diffusers/sd15")).pathname;
 * const diffusion = await LatentDiffusion.describe(await DiffusersDirectory.open(path));
 * assertEquals(diffusion.imageSize, { height: 16, width: 16 });
 * assertEquals(diffusion.latentShape(2), [2, 4, 8, 8]);
 * assertEquals(diffusion.scheduler.schedule.timeOfRatio(2.5), 625);
 * ```
 */
export class LatentDiffusion {
  /** The directory. */
  readonly directory: DiffusersDirectory;
  /** The component that is the network: `unet`, or `transformer`. */
  readonly component: "unet" | "transformer";
  /** The network's class and configuration. */
  readonly described: Component;
  /** The network. */
  readonly network: Network & (UNet2DConditionModel | PixArtTransformer2DModel);
  /** The autoencoder. */
  readonly vae: AutoencoderKL;
  /** The forward process, and how to sample. */
  readonly scheduler: Scheduler;

  private constructor(
    directory: DiffusersDirectory,
    component: "unet" | "transformer",
    described: Component,
    network: UNet2DConditionModel | PixArtTransformer2DModel,
    vae: AutoencoderKL,
    scheduler: Scheduler,
  ) {
    this.directory = directory;
    this.component = component;
    this.described = described;
    this.network = network as LatentDiffusion["network"];
    this.vae = vae;
    this.scheduler = scheduler;
  }

  /**
   * Reads the configurations of a directory.
   *
   * @param directory The directory; its weights are not touched.
   * @returns The latent diffusion.
   * @throws {TypeError} If a component is missing, not known, or not what it should be.
   */
  static async describe(directory: DiffusersDirectory): Promise<LatentDiffusion> {
    const component = directory.components.has("transformer") ? "transformer" : "unet";
    const described = await directory.describe(component);
    const { network } = described;
    if (!(network instanceof UNet2DConditionModel || network instanceof PixArtTransformer2DModel)) {
      throw new TypeError(
        `${directory.path}/${component} is a ${described.className}, ` +
          "expected a text-conditioned network: UNet2DConditionModel or PixArtTransformer2DModel",
      );
    }
    const { network: vae, className } = await directory.describe("vae");
    if (!(vae instanceof AutoencoderKL)) {
      throw new TypeError(`${directory.path}/vae is a ${className}, expected an AutoencoderKL`);
    }
    return new LatentDiffusion(directory, component, described, network, vae, await directory.scheduler());
  }

  /** The size of the images that it is made for. */
  get imageSize(): ImageSize {
    const [height, width] = [this.network.config.sample_size ?? 64].flat();
    return { height: height * this.vae.factor, width: (width ?? height) * this.vae.factor };
  }

  /**
   * The shape of the latents of images.
   *
   * @param count How many.
   * @param size Their size; by default that of {@linkcode LatentDiffusion.imageSize}.
   * @returns `[count, C, h, w]`.
   * @throws {RangeError} If the size is not a multiple of what the network takes.
   */
  latentShape(count: number, size: ImageSize = this.imageSize): [number, number, number, number] {
    const { network, vae } = this;
    // A UNet takes any size, but latents are whole
    const step = vae.factor * ("patch_size" in network.config ? network.config.patch_size : 1);
    for (const [name, value] of Object.entries(size)) {
      if (Number.isSafeInteger(value) && value > 0 && value % step === 0) continue;
      throw new RangeError(`Image ${name} is ${value}, expected a multiple of ${step}`);
    }
    return [count, network.config.in_channels, size.height / vae.factor, size.width / vae.factor];
  }

  /**
   * What the network is told about the size of an image: PixArt's resolution and aspect ratio, SDXL's original size,
   * crop and target size; nothing for others.
   *
   * @param size The size; by default that of {@linkcode LatentDiffusion.imageSize}.
   * @returns A condition of one row, to be merged into a prompt's.
   */
  sizeCond({ height, width }: ImageSize = this.imageSize): Cond {
    const { config } = this.network;
    if ("use_additional_conditions" in config) {
      if (!config.use_additional_conditions) return {};
      return { resolution: tensor([[height, width]]), aspectRatio: tensor([[height / width]]) };
    }
    if (config.addition_embed_type === null) return {};
    return { timeIds: tensor([[height, width, 0, 0, height, width]]) };
  }

  /**
   * Loads the network's parameters.
   *
   * @param options Element type, variant, and which misfits are no error.
   * @returns The parameters, on the device.
   * @throws {RangeError} If the checkpoint is broken, or does not fit.
   */
  async loadParams(options: LoadComponentOptions = {}): Promise<Params> {
    return (await this.directory.load(this.component, options)).params;
  }

  /**
   * Loads the autoencoder and makes its decoder.
   *
   * @param options Element type and variant; tiles and checkpoints.
   * @returns What turns latents into images in [0, 1] (not clamped); to be disposed of.
   * @throws {RangeError} If the checkpoint is broken, or does not fit.
   */
  async loadDecoder(options: LoadComponentOptions & DecodeOptions = {}): Promise<LatentDecoder & Disposable> {
    await init();
    const { tile, overlap, checkpoint, ...load } = options;
    const { params } = await this.directory.load("vae", load);
    const how = { ...(tile && { tile }), ...(overlap !== undefined && { overlap }), checkpoint: checkpoint ?? false };
    return Object.assign(new LatentDecoder(this.vae, params as AutoencoderKLParams, how), {
      [Symbol.dispose]: () => treeLeaves<Tensor>(params).forEach((leaf) => leaf.dispose()),
    });
  }

  /**
   * The network as a score model, as the scheduler says its output is to be read.
   *
   * @param params Its parameters, which may be expressions.
   * @param options Whether blocks are computed again in the backward pass.
   * @returns The score model.
   */
  scoreModel(params: Params, options: ForwardOptions = {}): ScoreModel {
    return this.scheduler.scoreModel(bind(this.network, params, options));
  }

  /**
   * Saves a directory like this one, with other parameters of the network: everything else is copied.
   *
   * @param path The directory; it is made.
   * @param params The network's parameters.
   * @param options Element type and size of the parts; `index` adds fields to `model_index.json`.
   */
  async save(
    path: string,
    params: Params,
    options: SaveCheckpointOptions & { readonly index?: Readonly<Record<string, unknown>> } = {},
  ): Promise<void> {
    const { index = {}, ...how } = options;
    if (path.replace(/\/+$/, "") === this.directory.path) {
      throw new TypeError(`Cannot save to ${path}: it is where the other components are copied from`);
    }
    const { className, config } = this.described;
    const others = [...this.directory.components.keys()].filter((name) => name !== this.component);
    await saveDiffusers(
      path,
      { ...this.directory.index, ...index },
      { [this.component]: { className, config, params } },
      Object.fromEntries(others.map((name) => [name, `${this.directory.path}/${name}`])),
      how,
    );
  }
}
