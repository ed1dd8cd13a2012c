import { conv2d, maxPool2d, type Tensor, tensor, zeros } from "@dipp/tensor";

/** A convolution of a backbone: its place in torchvision's `features`, channels, kernel, stride, padding. */
interface Conv {
  readonly at: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

/** Layers of a backbone up to where LPIPS looks: perhaps a maximum, then convolutions, each with ReLU. */
interface Stage {
  readonly pool?: { readonly kernel: number; readonly stride: number };
  readonly convs: readonly Conv[];
}

const same = (at: number, out: number, kernel = 3): Conv => ({ at, out, kernel, stride: 1, padding: (kernel - 1) / 2 });

const HALF = { kernel: 2, stride: 2 }, OVERLAPPING = { kernel: 3, stride: 2 };

/** The backbones of LPIPS: AlexNet's, its default, and VGG-16's. */
export type LpipsBackbone = "alex" | "vgg";

const BACKBONES: Readonly<Record<LpipsBackbone, readonly Stage[]>> = {
  alex: [
    { convs: [{ at: 0, out: 64, kernel: 11, stride: 4, padding: 2 }] },
    { pool: OVERLAPPING, convs: [same(3, 192, 5)] },
    { pool: OVERLAPPING, convs: [same(6, 384)] },
    { convs: [same(8, 256)] },
    { convs: [same(10, 256)] },
  ],
  vgg: [
    { convs: [same(0, 64), same(2, 64)] },
    { pool: HALF, convs: [same(5, 128), same(7, 128)] },
    { pool: HALF, convs: [same(10, 256), same(12, 256), same(14, 256)] },
    { pool: HALF, convs: [same(17, 512), same(19, 512), same(21, 512)] },
    { pool: HALF, convs: [same(24, 512), same(26, 512), same(28, 512)] },
  ],
};

/** Parameters of {@linkcode LpipsNetwork}: torchvision's `features`, and the weights of channels of the LPIPS release. */
export type LpipsParams = {
  /** Convolutions by their place. */
  features: { [at: string]: { weight: Tensor; bias: Tensor } };
  /** `[1, C, 1, 1]` of each stage. */
  lin0: LpipsLinear;
  /** See `lin0`. */
  lin1: LpipsLinear;
  /** See `lin0`. */
  lin2: LpipsLinear;
  /** See `lin0`. */
  lin3: LpipsLinear;
  /** See `lin0`. */
  lin4: LpipsLinear;
};

/** The weights of the channels of one stage, named as in the LPIPS release. */
export type LpipsLinear = {
  /** A dropout and a 1x1 convolution. */
  model: { 1: { weight: Tensor } };
};

/** What LPIPS takes off images in [-1, 1], and divides by. */
const SHIFT = [-0.030, -0.088, -0.188], SCALE = [0.458, 0.448, 0.450];

/**
 * The network of LPIPS 0.1 (Zhang et al. 2018): feature maps of AlexNet or VGG-16 after ReLU, five of them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LpipsNetwork } from "@dipp/metrics";
 *
 * const network = new LpipsNetwork("alex");
 * assertEquals(network.init().lin4.model[1].weight.shape, [1, 256, 1, 1]);
 * ```
 */
export class LpipsNetwork {
  /** Names in torchvision's and the release's checkpoints that belong to nothing here. */
  readonly ignored: RegExp = /^classifier\./;
  readonly #stages: readonly Stage[];
  readonly #divisor: number;

  /**
   * Describes the network.
   *
   * @param backbone "alex" or "vgg"
   * @param options `divisor`: every width by this divisor of 64, for a network that is quick to test; 1 by default
   * @throws {RangeError} when there is no such backbone or divisor
   */
  constructor(backbone: LpipsBackbone, { divisor = 1 }: { readonly divisor?: number } = {}) {
    if (!Object.hasOwn(BACKBONES, backbone)) {
      throw new RangeError(`LPIPS's backbone is "${backbone}", expected ${Object.keys(BACKBONES).join(" or ")}`);
    }
    if (!Number.isInteger(divisor) || divisor < 1 || 64 % divisor !== 0) {
      throw new RangeError(`LPIPS's divisor is ${divisor}, expected a divisor of 64`);
    }
    this.#stages = BACKBONES[backbone];
    this.#divisor = divisor;
  }

  /**
   * The shapes of the parameters, to load checkpoints into.
   *
   * @returns zeros
   */
  init(): LpipsParams {
    let channels = 3;
    const features: LpipsParams["features"] = {};
    const lins = this.#stages.map(({ convs }): LpipsLinear => {
      for (const { at, out: full, kernel } of convs) {
        const out = full / this.#divisor;
        features[at] = { weight: zeros([out, channels, kernel, kernel]), bias: zeros([out]) };
        channels = out;
      }
      return { model: { 1: { weight: zeros([1, channels, 1, 1]) } } };
    });
    const [lin0, lin1, lin2, lin3, lin4] = lins;
    return { features, lin0, lin1, lin2, lin3, lin4 };
  }

  /**
   * Feature maps.
   *
   * @param params the parameters
   * @param images `[B, 3, H, W]` in [0, 1]; 63 pixels at least with AlexNet, 16 with VGG
   * @returns five maps `[B, C, H', W']`
   */
  layers(params: LpipsParams, images: Tensor): Tensor[] {
    const perChannel = (values: readonly number[]) => tensor([...values], [1, 3, 1, 1]);
    let x = images.mul(2).sub(1).sub(perChannel(SHIFT)).div(perChannel(SCALE));
    return this.#stages.map(({ pool, convs }) => {
      if (pool) x = maxPool2d(x, pool.kernel, { stride: pool.stride });
      for (const { at, stride, padding } of convs) {
        const { weight, bias } = params.features[at];
        x = conv2d(x, weight, { bias, stride, padding }).relu();
      }
      return x;
    });
  }

  /**
   * The weights of the channels.
   *
   * @param params the parameters
   * @returns one `[1, C, 1, 1]` for each of the five maps
   */
  weights({ lin0, lin1, lin2, lin3, lin4 }: LpipsParams): Tensor[] {
    return [lin0, lin1, lin2, lin3, lin4].map(({ model }) => model[1].weight);
  }
}
