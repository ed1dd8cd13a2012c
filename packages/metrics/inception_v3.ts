import { avgPool2d, cat, conv2d, maxPool2d, type Tensor, zeros } from "@dipp/tensor";

/** A convolution without bias, its batch normalisation, and ReLU. */
interface Conv {
  readonly name: string;
  readonly out: number;
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly padding: readonly [number, number];
}

/** What a branch does one after the other; convolutions in a list are side by side. */
type Step = Conv | readonly Conv[] | "mean" | "max" | "shrink";

/** Branches side by side. */
interface Block {
  readonly name: InceptionBlock;
  readonly branches: readonly (readonly Step[])[];
}

/** Parameters of a convolution with its batch normalisation. */
export type InceptionConvParams = {
  /** The convolution. */
  conv: { weight: Tensor };
  /** Its normalisation, with the statistics of training. */
  bn: { weight: Tensor; bias: Tensor; running_mean: Tensor; running_var: Tensor };
};

/** The convolutions before the blocks. */
export type InceptionStem = "Conv2d_1a_3x3" | "Conv2d_2a_3x3" | "Conv2d_2b_3x3" | "Conv2d_3b_1x1" | "Conv2d_4a_3x3";

/** The blocks. */
export type InceptionBlock = `Mixed_${"5b" | "5c" | "5d" | "6a" | "6b" | "6c" | "6d" | "6e" | "7a" | "7b" | "7c"}`;

/** Convolutions by name. */
export type InceptionConvs = { [name: string]: InceptionConvParams };

/** Parameters of {@linkcode InceptionV3}, named as in torchvision. */
export type InceptionParams =
  & { [name in InceptionStem]: InceptionConvParams }
  & { [name in InceptionBlock]: InceptionConvs }
  & { fc: { weight: Tensor; bias: Tensor } };

/** Epsilon of the batch normalisations. */
const EPS = 1e-3;

/** Classes of the network of 2015: the 1000 of ImageNet, and eight that mean nothing. */
const CLASSES = 1008;

/** A convolution that keeps the size. */
function conv(name: string, out: number, height = 1, width = height): Conv {
  return { name, out, kernel: [height, width], stride: 1, padding: [(height - 1) / 2, (width - 1) / 2] };
}

/** A convolution of 3x3 that uses no padding. */
function valid(name: string, out: number, stride = 1): Conv {
  return { name, out, kernel: [3, 3], stride, padding: [0, 0] };
}

/** Branches of 1x1, 5x5, two 3x3 and a mean. */
function blockA(name: InceptionBlock, pooled: number): Block {
  return {
    name,
    branches: [
      [conv("branch1x1", 64)],
      [conv("branch5x5_1", 48), conv("branch5x5_2", 64, 5)],
      [conv("branch3x3dbl_1", 64), conv("branch3x3dbl_2", 96, 3), conv("branch3x3dbl_3", 96, 3)],
      ["mean", conv("branch_pool", pooled)],
    ],
  };
}

/** Branches of 1x1, of 7x7 in two and in four parts, and a mean. */
function blockC(name: InceptionBlock, inner: number): Block {
  return {
    name,
    branches: [
      [conv("branch1x1", 192)],
      [conv("branch7x7_1", inner), conv("branch7x7_2", inner, 1, 7), conv("branch7x7_3", 192, 7, 1)],
      [
        conv("branch7x7dbl_1", inner),
        conv("branch7x7dbl_2", inner, 7, 1),
        conv("branch7x7dbl_3", inner, 1, 7),
        conv("branch7x7dbl_4", inner, 7, 1),
        conv("branch7x7dbl_5", 192, 1, 7),
      ],
      ["mean", conv("branch_pool", 192)],
    ],
  };
}

/** Branches of 1x1, of 3x3 split in two, of two 3x3 the last of them split, and a mean or a maximum. */
function blockE(name: InceptionBlock, pool: "mean" | "max"): Block {
  const split = (stem: string) => [conv(`${stem}a`, 384, 1, 3), conv(`${stem}b`, 384, 3, 1)];
  return {
    name,
    branches: [
      [conv("branch1x1", 320)],
      [conv("branch3x3_1", 384), split("branch3x3_2")],
      [conv("branch3x3dbl_1", 448), conv("branch3x3dbl_2", 384, 3), split("branch3x3dbl_3")],
      [pool, conv("branch_pool", 192)],
    ],
  };
}

const STEM: readonly Step[] = [
  valid("Conv2d_1a_3x3", 32, 2),
  valid("Conv2d_2a_3x3", 32),
  conv("Conv2d_2b_3x3", 64, 3),
  "shrink",
  conv("Conv2d_3b_1x1", 80),
  valid("Conv2d_4a_3x3", 192),
  "shrink",
];

const BLOCKS: readonly Block[] = [
  blockA("Mixed_5b", 32),
  blockA("Mixed_5c", 64),
  blockA("Mixed_5d", 64),
  {
    name: "Mixed_6a",
    branches: [
      [valid("branch3x3", 384, 2)],
      [conv("branch3x3dbl_1", 64), conv("branch3x3dbl_2", 96, 3), valid("branch3x3dbl_3", 96, 2)],
      ["shrink"],
    ],
  },
  blockC("Mixed_6b", 128),
  blockC("Mixed_6c", 160),
  blockC("Mixed_6d", 160),
  blockC("Mixed_6e", 192),
  {
    name: "Mixed_7a",
    branches: [
      [conv("branch3x3_1", 192), valid("branch3x3_2", 320, 2)],
      [
        conv("branch7x7x3_1", 192),
        conv("branch7x7x3_2", 192, 1, 7),
        conv("branch7x7x3_3", 192, 7, 1),
        valid("branch7x7x3_4", 192, 2),
      ],
      ["shrink"],
    ],
  },
  blockE("Mixed_7b", "mean"),
  // A maximum here is a peculiarity of the network of 2015, which FID is defined by
  blockE("Mixed_7c", "max"),
];

/**
 * The Inception v3 that FID, KID and the Inception Score are measured with: TensorFlow's of 2015-12-05 in the layout of
 * torchvision, as pytorch-fid ports it (means that leave padding out, a maximum in the last block, 1008 classes).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { InceptionV3 } from "@dipp/metrics";
 *
 * const network = new InceptionV3();
 * assertEquals(network.init().fc.weight.shape, [1008, 2048]);
 * ```
 */
export class InceptionV3 {
  /** Names in checkpoints that belong to nothing here. */
  readonly ignored: RegExp = /num_batches_tracked$|^AuxLogits\./;
  readonly #divisor: number;

  /**
   * Describes the network.
   *
   * @param options `divisor`: every width by this divisor of 16, for a network that is quick to test; 1 by default
   * @throws {RangeError} when it is none
   */
  constructor({ divisor = 1 }: { readonly divisor?: number } = {}) {
    if (!Number.isInteger(divisor) || divisor < 1 || 16 % divisor !== 0) {
      throw new RangeError(`Inception's divisor is ${divisor}, expected a divisor of 16`);
    }
    this.#divisor = divisor;
  }

  /**
   * The shapes of the parameters, to load a checkpoint into; there is nothing to train from.
   *
   * @returns zeros
   */
  init(): InceptionParams {
    const convs = (steps: readonly Step[], channels: number): [params: InceptionConvs, channels: number] => {
      const params: InceptionConvs = {};
      for (const step of steps) {
        if (typeof step === "string") continue;
        const list = "name" in step ? [step] : step;
        for (const { name, out: full, kernel } of list) {
          const out = full / this.#divisor;
          const [weight, bias, running_mean, running_var] = Array.from({ length: 4 }, () => zeros([out]));
          params[name] = {
            conv: { weight: zeros([out, channels, ...kernel]) },
            bn: { weight, bias, running_mean, running_var },
          };
        }
        channels = list.reduce((sum, { out }) => sum + out / this.#divisor, 0);
      }
      return [params, channels];
    };
    let [stem, channels] = convs(STEM, 3);
    const blocks = BLOCKS.map(({ name, branches }) => {
      const parts = branches.map((steps) => convs(steps, channels));
      channels = parts.reduce((sum, [, n]) => sum + n, 0);
      return [name, Object.assign({}, ...parts.map(([params]) => params))] as const;
    });
    return {
      ...stem as Record<InceptionStem, InceptionConvParams>,
      ...Object.fromEntries(blocks) as Record<InceptionBlock, InceptionConvs>,
      fc: { weight: zeros([CLASSES, channels]), bias: zeros([CLASSES]) },
    };
  }

  /**
   * Features and logits of images.
   *
   * @param params the parameters
   * @param x images about [-1, 1], `[B, 3, 299, 299]`, see {@linkcode inceptionInput}; 75 pixels at least
   * @returns features `[B, 2048]` after the last pooling, and logits `[B, 1008]` without their bias, from which the
   * Inception Score's own code computes
   */
  apply(params: InceptionParams, x: Tensor): { features: Tensor; logits: Tensor } {
    const run = (steps: readonly Step[], own: InceptionConvs, input: Tensor): Tensor =>
      steps.reduce<Tensor>((y, step) => {
        if (step === "mean") return avgPool2d(y, 3, { stride: 1, padding: 1, countIncludePad: false });
        if (step === "max") return maxPool2d(y, 3, { stride: 1, padding: 1 });
        if (step === "shrink") return maxPool2d(y, 3, { stride: 2 });
        if ("name" in step) return convolve(own[step.name], step, y);
        return cat(step.map((part) => convolve(own[part.name], part, y)), 1);
      }, input);
    let y = run(STEM, stemOf(params), x);
    for (const { name, branches } of BLOCKS) {
      y = cat(branches.map((steps) => run(steps, params[name], y)), 1);
    }
    const features = y.mean([2, 3]);
    return { features, logits: features.matmul(params.fc.weight.transpose(0, 1)) };
  }
}

function stemOf({ Conv2d_1a_3x3, Conv2d_2a_3x3, Conv2d_2b_3x3, Conv2d_3b_1x1, Conv2d_4a_3x3 }: InceptionParams) {
  return { Conv2d_1a_3x3, Conv2d_2a_3x3, Conv2d_2b_3x3, Conv2d_3b_1x1, Conv2d_4a_3x3 };
}

function convolve({ conv, bn }: InceptionConvParams, { stride, padding }: Conv, x: Tensor): Tensor {
  const scale = bn.weight.mul(bn.running_var.add(EPS).rsqrt());
  const shift = bn.bias.sub(bn.running_mean.mul(scale));
  const perChannel = (v: Tensor) => v.reshape([-1, 1, 1]);
  return conv2d(x, conv.weight, { stride, padding }).mul(perChannel(scale)).add(perChannel(shift)).relu();
}
