/** A data set for tests: squares in eight colours, plain (preferred) and striped. */
import type { BatchRequest, ImageTextData } from "../data.ts";
import { Vocabulary } from "../vocabulary.ts";

const COLOURS: Readonly<Record<string, readonly [number, number, number]>> = {
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
  black: [0, 0, 0],
};
const SIZE = 8, PIXELS = 3 * SIZE * SIZE;

/**
 * Loads the squares. The option `prefer` says who chose between pairs: somebody who likes them plain rather than striped;
 * with "bright" one who looks at nothing but brightness; with "prompt" one who asks whether it is the right colour.
 */
export function loadTrainingData(options: Readonly<Record<string, unknown>>): Promise<ImageTextData> {
  if (options.fail) throw new RangeError(`Squares fail is ${options.fail}, expected nothing`);
  const prompts = Object.keys(COLOURS).flatMap((colour) => [`${colour} square`, `large ${colour} square`]);
  const vocabulary = Vocabulary.fromNames(prompts);
  const train = [0, 1, 2, 3, 4, 5], heldOut = [6, 7];
  const chosen = (request: BatchRequest, step: number) => {
    const from = request.split === "heldOut" ? heldOut : train;
    return Array.from(
      { length: request.batchSize },
      (_, i) => from[(request.seed + step * request.batchSize + i) % from.length],
    );
  };
  const pairs = (indices: readonly number[]) => {
    const plain = draw(prompts, indices, false);
    if (options.prefer === "bright") return { preferred: plain.map((x) => (1 + x) / 2), rejected: plain };
    const rejected = options.prefer === "prompt"
      ? draw(prompts, indices.map((i) => (i + 2) % prompts.length), false)
      : draw(prompts, indices, true);
    return { preferred: plain, rejected };
  };
  const encode = (indices: readonly number[]) => vocabulary.encodeAll(indices.map((i) => prompts[i]));
  return Promise.resolve({
    source: "coloured squares, made up",
    size: SIZE,
    prompts,
    train,
    heldOut,
    vocabulary,
    imageBatches: (request) => (step) => {
      const indices = chosen(request, step);
      return { images: draw(prompts, indices, false), ids: encode(indices) };
    },
    promptBatches: (request) => (step) => ({ ids: encode(chosen(request, step)) }),
    pairBatches: (request) => (step) => {
      const indices = chosen(request, step);
      return { ...pairs(indices), ids: encode(indices) };
    },
    images: (indices) => draw(prompts, indices, false),
    pairs,
  });
}

function draw(prompts: readonly string[], indices: readonly number[], striped: boolean): Float32Array {
  const out = new Float32Array(indices.length * PIXELS).fill(1);
  indices.forEach((index, n) => {
    const words = prompts[index].split(" ");
    const colour = COLOURS[words.at(-2)!];
    const margin = words[0] === "large" ? 0 : 2;
    for (let c = 0; c < 3; c++) {
      for (let y = margin; y < SIZE - margin; y++) {
        for (let x = margin; x < SIZE - margin; x++) {
          if (striped && y % 2 === 0) continue;
          out[n * PIXELS + c * SIZE * SIZE + y * SIZE + x] = colour[c];
        }
      }
    }
  });
  return out;
}
