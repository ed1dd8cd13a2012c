/** Released networks as judges: rewards of papers, Inception, LPIPS. */
import {
  featureRows,
  inceptionInput,
  type InceptionParams,
  type InceptionResize,
  InceptionV3,
  type LpipsBackbone,
  lpipsLayers,
  LpipsNetwork,
  type LpipsParams,
} from "@dipp/metrics";
import { loadParams, realizeParams } from "@dipp/nn";
import { loadOnnx } from "@dipp/onnx";
import { describeReward } from "@dipp/rewards";
import { compile, type Tensor, tensor } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { shownPath } from "../config/paths.ts";
import { type RgbImage, toPlanar } from "../images.ts";
import { loadPaperReward, readWeights } from "../models/paper_rewards.ts";
import { type ClassifierJudge, type Judge, type JudgeFacts, type RewardJudge, squareInput } from "./judges.ts";
import { sha256OfFiles } from "./sha256.ts";

/**
 * A released reward as a judge: pictures go through its official preprocessing.
 *
 * @param name Its name.
 * @param folder Where weights lie.
 * @returns The judge.
 */
export async function paperRewardJudge(name: string, folder: string): Promise<RewardJudge> {
  const { label, reward, files, tokens = "ids", encode } = await loadPaperReward(name, folder);
  const { name: network, options } = describeReward(reward);
  const { size, fit, crop, resize, antialias, clamp: _, mean, std, dtype, ...rest } = options;
  const settings = Object.entries(rest).filter(([, value]) => value !== "").map(([key, value]) => `${key} ${value}`);
  const run = compile(({ pixels, ids }: Record<string, Tensor>) =>
    reward.scorePixels(pixels, { ids, tokens: { [tokens]: ids } })
  );
  const list = (value: unknown) => (value as readonly number[]).map((x) => x.toPrecision(4)).join(" ");
  return {
    label,
    facts: await factsOf(files, [network, ...settings].join(", "), `${dtype} weights, f32 arithmetic`),
    preprocessing: `${resize}, ${resize === "tensor" && !antialias ? "" : "antialiased "}bicubic, ${fit} to ${size}` +
      `${fit === "crop" ? ` (${crop}'s centre)` : ""}, mean ${list(mean)}, std ${list(std)}`,
    async score(images, prompts) {
      const { ids, length } = encode?.(prompts) ?? { ids: new Int32Array(prompts.length), length: 1 };
      const pixels = await reward.preprocess.exact(images).realize();
      return Float64Array.from(await run({ pixels, ids: tensor(ids, [prompts.length, length]) }).data());
    },
  };
}

/**
 * Inception as a judge.
 *
 * @param path Its weights: an ONNX model of a pooled output of rank two, and perhaps logits; or the tensors of torchvision's layout.
 * @param resize Whose way images come to its size.
 * @returns The judge.
 * @throws {ConfigError} If an ONNX model is not one of one image input.
 */
export async function inceptionJudge(path: string, resize: InceptionResize): Promise<ClassifierJudge> {
  const network = /\.onnx$/i.test(path) ? await onnxInception(path) : await tensorInception(path);
  const run = compile((x: Tensor) => {
    const { features, logits } = network.apply(x);
    return { features, ...(logits ? { logits } : {}) };
  });
  const each = async (images: readonly RgbImage[]) => {
    // Pictures may differ in size, and what Inception takes does not
    const inputs = images.map((image) =>
      inceptionInput(tensor(toPlanar(image), [1, 3, image.height, image.width]), resize)
    );
    const rows: Float64Array[] = [], logits: Float64Array[] = [];
    for (const input of inputs) {
      const found = run(await input.realize());
      rows.push(...await featureRows(found.features));
      if (found.logits) logits.push(...await featureRows(found.logits));
    }
    return { rows, logits };
  };
  return {
    facts: await factsOf([path], network.variant, "f32 arithmetic"),
    preprocessing: resize === "clean-fid"
      ? "clean-fid: antialiased bicubic to 299x299 in floats, (255 x - 128) / 128"
      : "pytorch-fid: bilinear to 299x299 without antialiasing, 2 x - 1",
    imageRows: async (images) => (await each(images)).rows,
    async classify(images) {
      const found = await each(images);
      if (found.logits.length > 0) return found;
      throw new ConfigError(`${path} has no logits, expected a second output of rank two for the Inception Score`);
    },
  };
}

async function tensorInception(path: string) {
  const network = new InceptionV3();
  const params: InceptionParams = loadParams(network.init(), await readWeights(path), { ignore: network.ignored });
  await realizeParams(params);
  return {
    variant: "Inception v3 of 2015, last pooling, 2048",
    apply: (x: Tensor): { features: Tensor; logits?: Tensor } => network.apply(params, x),
  };
}

async function onnxInception(path: string) {
  const model = await loadOnnx(path);
  const [input, ...more] = model.inputs;
  if (more.length > 0 || input === undefined) {
    throw new ConfigError(`${path} has ${model.inputs.length} inputs, expected one, images [N, 3, 299, 299]`);
  }
  return {
    variant: "Inception from an ONNX model, its first output pooled",
    apply(x: Tensor): { features: Tensor; logits?: Tensor } {
      const outputs = model.run({ [input.name]: x });
      const [features, logits] = model.outputs.map(({ name }) => outputs[name].flatten(1));
      return { features, ...(logits ? { logits } : {}) };
    },
  };
}

/** LPIPS as a judge of pairs of images. */
export interface PerceptualJudge extends Judge {
  /** The distance of each pair of images of a list: (0, 1), (0, 2), (1, 2), (0, 3) and so on. */
  pairs(images: readonly RgbImage[]): Promise<number[]>;
}

/** The files of LPIPS's weights, relative to the folder of weights. */
const LPIPS_FILES: Readonly<Record<LpipsBackbone, readonly string[]>> = {
  alex: ["torchvision/alexnet-owt-7be5be79.pth", "richzhang/PerceptualSimilarity/alex.pth"],
  vgg: ["torchvision/vgg16-397923af.pth", "richzhang/PerceptualSimilarity/vgg.pth"],
};

/** Side that images are brought to, as LPIPS is used on generated images. */
const LPIPS_SIZE = 256;

/**
 * LPIPS as a judge.
 *
 * @param backbone "alex" or "vgg".
 * @param folder Where weights lie.
 * @param options Files of the backbone's and the channels' weights that lie elsewhere, and what they are of.
 * @returns The judge.
 * @throws {ConfigError} If a file is missing; the error names it.
 */
export async function lpipsJudge(
  backbone: LpipsBackbone,
  folder: string,
  {
    files = LPIPS_FILES[backbone].map((file) => `${folder}/${file}`),
    network = new LpipsNetwork(backbone),
  }: { readonly files?: readonly string[]; readonly network?: LpipsNetwork } = {},
): Promise<PerceptualJudge> {
  const entries = new Map();
  for (const file of files) {
    if (!await Deno.stat(file).then((info) => info.isFile, () => false)) {
      throw new ConfigError(`Metric lpips needs weights that are not on this machine: there is no ${file}`);
    }
    for (const [name, entry] of await readWeights(file)) entries.set(name, entry);
  }
  const params: LpipsParams = loadParams(network.init(), entries, { ignore: network.ignored });
  await realizeParams(params);
  const weights = network.weights(params);
  const distance = compile(({ a, b }: Record<string, Tensor>) =>
    lpipsLayers(network.layers(params, a), network.layers(params, b), weights).reduce((sum, layer) => sum.add(layer))
  );
  const input = squareInput(LPIPS_SIZE);
  return {
    facts: await factsOf(files, `LPIPS 0.1, ${backbone}`, "f32 arithmetic"),
    get preprocessing() {
      return input.preprocessing;
    },
    async pairs(images) {
      const all = await (await input.batch(images)).realize();
      const one = (i: number) => all.slice([[i, i + 1]]);
      const found: Tensor[] = [];
      for (let j = 1; j < images.length; j++) {
        for (let i = 0; i < j; i++) found.push(distance({ a: await one(i).realize(), b: await one(j).realize() }));
      }
      return await Promise.all(found.map((d) => d.item()));
    },
  };
}

async function factsOf(files: readonly string[], variant: string, dtype: string): Promise<JudgeFacts> {
  return { weights: files.map(shownPath).join(" and "), sha256: await sha256OfFiles(files), variant, dtype };
}
