import type { OnnxModel, OnnxValueInfo } from "@dipp/onnx";
import { cat, type Tensor } from "@dipp/tensor";
import type { RewardDescription } from "./description.ts";
import type { Preprocess } from "./preprocess/preprocess.ts";
import type { Prompts, Reward } from "./reward.ts";

/** Which input of a model reads the prompts. */
export interface OnnxPromptInput {
  /** Its name. */
  readonly input: string;
  /** Which ids it reads: their name in `prompts.tokens`; "ids" for `prompts.ids`. Default "ids". */
  readonly tokens?: string;
  /**
   * The input that is told where the ids are words (1) and where padding (0), where there is one: of
   * `prompts.tokens["TOKENS_mask"]`, or where the ids are not 0.
   */
  readonly mask?: string;
}

/** How a model is asked, see {@linkcode onnxReward}. */
export interface OnnxRewardOptions {
  /** The input that takes the images. Default: the only one of real numbers and four axes. */
  readonly input?: string;
  /** The output that has the scores. Default: the only output. */
  readonly output?: string;
  /** Which column of the output is the score, where it has several: a class, for instance. */
  readonly index?: number;
  /** How images come into the model. Default: as they are, in [0, 1]. */
  readonly preprocess?: Pick<Preprocess, "differentiable"> & Partial<Pick<Preprocess, "options">>;
  /** Whether the model has the channels of its images first or last. Default "nchw". */
  readonly layout?: "nchw" | "nhwc";
  /** The input that reads the prompts, where there is one. */
  readonly prompt?: OnnxPromptInput;
}

/**
 * Any ONNX model as a reward: its gradient with respect to the images is that of the imported graph. A model of a fixed
 * batch is run once for each part of the images of that size.
 *
 * @param model the model, of `loadOnnx`
 * @param options which inputs and which output, and the way into it; see {@linkcode OnnxRewardOptions}
 * @returns the reward
 * @throws {RangeError} when the model has no such input or output, or one that nothing is given to; while scoring, when
 * the output is not one number an image, or the images do not fit
 *
 * @example A model that likes red
 * ```ts
 * import { loadOnnx, writeOnnx } from "@dipp/onnx";
 * import { onnxReward } from "@dipp/rewards";
 * import { ones, tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const file = writeOnnx({
 *   opset: 17,
 *   inputs: [{ name: "pixels", type: "float32", shape: ["batch", 3, "height", "width"] }],
 *   outputs: [{ name: "means", type: "float32", shape: ["batch", 3] }],
 *   nodes: [
 *     { opType: "GlobalAveragePool", inputs: ["pixels"], outputs: ["pooled"] },
 *     { opType: "Flatten", inputs: ["pooled"], outputs: ["means"] },
 *   ],
 * });
 * const red = onnxReward(await loadOnnx(file), { index: 0 });
 * const ids = tensor([[1]], [1, 1], "i32");
 * assertEquals([...await red.score(ones([1, 3, 8, 8]), { ids }).data()], [1]);
 * ```
 */
export function onnxReward(model: OnnxModel, options: OnnxRewardOptions = {}): Reward {
  const { preprocess, layout = "nchw", prompt, index } = options;
  const image = imageInput(model, options.input);
  const output = options.output === undefined
    ? only("outputs", model.outputs)
    : named("output", model.outputs, options.output);
  const words = prompt && named("input", model.inputs, prompt.input);
  const mask = prompt?.mask === undefined ? undefined : named("input", model.inputs, prompt.mask);
  const given = [image, words, mask].flatMap((info) => info?.name ?? []);
  const open = model.inputs.find(({ name }) => !given.includes(name));
  if (open) {
    throw new RangeError(
      `onnxReward: nothing is given to the model's input "${open.name}", expected only ${
        list(given)
      }; "prompt" names an input that reads the prompts`,
    );
  }
  const described: Record<string, RewardDescription["options"][string]> = { input: image.name, output: output.name };
  if (index !== undefined) described.index = index;
  if (layout !== "nchw") described.layout = layout;
  if (words) Object.assign(described, { prompt: words.name, tokens: prompt?.tokens ?? "ids" });

  const run = (images: Tensor, ids: Tensor | undefined, isWord: Tensor | undefined): Tensor => {
    const feeds: Record<string, Tensor> = { [image.name]: images };
    if (words) feeds[words.name] = ids!;
    if (mask) feeds[mask.name] = mask.type === "bool" ? isWord! : isWord!.cast(isReal(mask) ? "f32" : "i32");
    return oneAnImage(model.run(feeds)[output.name], output.name, images.shape[0], index);
  };
  return {
    description: { name: "onnx", options: { ...described, ...preprocess?.options } },
    score(images, prompts) {
      const ready = preprocess ? preprocess.differentiable(images) : images;
      const pixels = layout === "nhwc" ? ready.permute([0, 2, 3, 1]) : ready;
      const tokens = prompt?.tokens ?? "ids";
      const ids = words && fitted(idsOf(prompts, tokens), words);
      const given = prompts.tokens?.[`${tokens}_mask`];
      const isWord = mask && ids && (given ? fitted(given, mask) : ids).ne(0);
      const batch = images.shape[0], fixed = image.shape?.[0];
      if (typeof fixed !== "number" || fixed === batch) return run(pixels, ids, isWord);
      if (batch % fixed !== 0) {
        throw new RangeError(
          `onnxReward: there are ${batch} images, expected a multiple of ${fixed}, the batch that input "${image.name}" has`,
        );
      }
      const parts = Array.from({ length: batch / fixed }, (_, i): Tensor => {
        const rows = [[i * fixed, (i + 1) * fixed]] as const;
        return run(pixels.slice(rows), ids?.slice(rows), isWord?.slice(rows));
      });
      return cat(parts, 0);
    },
  };
}

const isReal = ({ type }: OnnxValueInfo) => /float/.test(type);

/** The input that is named, or the only one that can be images. */
function imageInput({ inputs }: OnnxModel, name: string | undefined): OnnxValueInfo {
  const canBe = (info: OnnxValueInfo) => isReal(info) && (info.shape === undefined || info.shape.length === 4);
  if (name === undefined) return only("inputs of real numbers and four axes", inputs.filter(canBe));
  const found = named("input", inputs, name);
  if (canBe(found)) return found;
  throw new RangeError(
    `onnxReward: input "${found.name}" is ${found.type} [${
      found.shape?.join(", ")
    }], expected real numbers of four axes`,
  );
}

function named(what: string, infos: readonly OnnxValueInfo[], name: string): OnnxValueInfo {
  const found = infos.find((info) => info.name === name);
  if (found) return found;
  throw new RangeError(`onnxReward: the model has no ${what} "${name}", expected ${list(infos.map((i) => i.name))}`);
}

function only(what: string, infos: readonly OnnxValueInfo[]): OnnxValueInfo {
  if (infos.length === 1) return infos[0];
  const names = infos.length === 0 ? "" : `: ${list(infos.map((i) => i.name))}`;
  throw new RangeError(`onnxReward: the model has ${infos.length} ${what}${names}, expected the name of one`);
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function idsOf(prompts: Prompts, tokens: string): Tensor {
  const ids = tokens === "ids" ? prompts.ids : prompts.tokens?.[tokens];
  if (ids) return ids;
  throw new TypeError(`onnxReward needs prompts.tokens["${tokens}"], which are missing`);
}

/** Ids as long as the model's input is, where that is fixed: padding is added. */
function fitted(ids: Tensor, { shape }: OnnxValueInfo): Tensor {
  const length = shape?.[1];
  if (typeof length !== "number" || length <= ids.shape[1]) return ids;
  return ids.pad([[0, 0], [0, length - ids.shape[1]]]);
}

function oneAnImage(scores: Tensor, name: string, batch: number, index: number | undefined): Tensor {
  const columns = scores.size / batch;
  const wrong = (expected: string) =>
    new RangeError(
      `onnxReward: output "${name}" has shape [${scores.shape}] for ${batch} images, expected ${expected}`,
    );
  if (scores.shape[0] !== batch) throw wrong(`[${batch}] or [${batch}, 1]`);
  if (index === undefined) {
    if (columns !== 1) throw wrong(`one number an image, or an index below ${columns}`);
    return scores.reshape([batch]).cast("f32");
  }
  if (!Number.isInteger(index) || index < 0 || index >= columns) throw wrong(`more than ${index} columns`);
  return scores.reshape([batch, columns]).select(1, index).cast("f32");
}
