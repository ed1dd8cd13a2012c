/** Compared pairs as the inputs of a training step. */
import { type Tensor, tensor } from "@dipp/tensor";
import type { ImageTextData } from "../data.ts";
import { shuffled } from "../embed/shuffle.ts";
import type { NamedTensors } from "../run/stage.ts";
import { type Pair, type PairList, targetOf } from "./pair_list.ts";

/** Pairs in the form that a network reads: `preferred` and `rejected` `[B, ...]`, `text` `[B, L]`, `target` `[B]`. */
export interface PairInputs {
  /** The pairs of a step, by the step alone. */
  batch(step: number): NamedTensors;
  /** How the pairs that are held out ended: 1, or 1/2 for a tie. */
  readonly heldOut: Float32Array;
  /** As many of them as a batch has, from one on; behind the last they are repeated. */
  heldOutBatch(from: number): NamedTensors;
}

/** One row a number, of one shape. */
export interface Rows {
  /** The shape of a row. */
  readonly shape: readonly number[];
  /** Takes rows together: `[rows, ...shape]`. */
  take(rows: readonly number[]): Tensor;
}

/**
 * Rows that lie one after the other.
 *
 * @param data All rows; 8-bit ones stand for 0 to 1.
 * @param shape The shape of a row.
 */
export function rowsOf(data: Float32Array | Int32Array | Uint8Array, shape: readonly number[]): Rows {
  const width = shape.reduce((a, b) => a * b, 1);
  const fill = <A extends Float32Array | Int32Array>(out: A, rows: readonly number[], scale: number): A => {
    rows.forEach((row, n) => {
      for (let i = 0; i < width; i++) out[n * width + i] = data[row * width + i] * scale;
    });
    return out;
  };
  return {
    shape,
    take(rows) {
      const [size, full] = [rows.length * width, [rows.length, ...shape]];
      return data instanceof Int32Array
        ? tensor(fill(new Int32Array(size), rows, 1), full)
        : tensor(fill(new Float32Array(size), rows, data instanceof Uint8Array ? 1 / 255 : 1), full);
    },
  };
}

/**
 * Pairs whose images and prompts are rows: every pair once an epoch, each epoch in an order of its own.
 *
 * @param pairs The pairs.
 * @param images A row for each image.
 * @param texts A row for each prompt.
 * @param batchSize Pairs in a batch.
 * @param seed Seed of the order.
 */
export function pairInputs(pairs: PairList, images: Rows, texts: Rows, batchSize: number, seed: number): PairInputs {
  const { train, heldOut } = pairs;
  const inputs = (chosen: readonly Pair[]): NamedTensors => ({
    preferred: images.take(chosen.map((pair) => pair.chosen)),
    rejected: images.take(chosen.map((pair) => pair.rejected)),
    text: texts.take(chosen.map((pair) => pair.prompt)),
    target: tensor(Float32Array.from(chosen, targetOf)),
  });
  const range = Array.from({ length: batchSize }, (_, i) => i);
  return {
    batch: (step) =>
      inputs(range.map((i) => {
        const position = step * batchSize + i, epoch = Math.floor(position / train.length);
        return train[shuffled(train.length, seed, epoch)(position % train.length)];
      })),
    heldOut: Float32Array.from(heldOut, targetOf),
    heldOutBatch: (from) => inputs(range.map((i) => heldOut[(from + i) % heldOut.length])),
  };
}

/**
 * The pairs of a data set in the batches that it makes itself, mirrored and so on as it does.
 *
 * @param data The data set.
 * @param pairs Its pairs.
 * @param batchSize Pairs in a batch.
 * @param seed Seed of the order.
 */
export function dataInputs(data: ImageTextData, pairs: PairList, batchSize: number, seed: number): PairInputs {
  const { vocabulary, size } = data;
  const batches = data.pairBatches({ batchSize, seed });
  const shape = [batchSize, 3, size, size], target = new Float32Array(batchSize).fill(1);
  const inputs = (preferred: Float32Array, rejected: Float32Array, ids: Int32Array): NamedTensors => ({
    preferred: tensor(preferred, shape),
    rejected: tensor(rejected, shape),
    text: tensor(ids, [batchSize, vocabulary.maxLength]),
    target: tensor(target),
  });
  return {
    batch(step) {
      const { preferred, rejected, ids } = batches(step);
      return inputs(preferred, rejected, ids);
    },
    heldOut: Float32Array.from(pairs.heldOut, targetOf),
    heldOutBatch(from) {
      const prompts = Array.from({ length: batchSize }, (_, i) => data.heldOut[(from + i) % data.heldOut.length]);
      const { preferred, rejected } = data.pairs(prompts);
      return inputs(preferred, rejected, vocabulary.encodeAll(prompts.map((i) => data.prompts[i])));
    },
  };
}

/**
 * Reads all images of pairs, several at a time.
 *
 * @param pairs The pairs.
 * @param size Side of the squares.
 * @returns 8-bit rows `[3, size, size]`.
 */
export async function readImages(pairs: PairList, size: number): Promise<Rows> {
  const width = 3 * size * size, data = new Uint8Array(pairs.images * width);
  for (let at = 0; at < pairs.images; at += READERS) {
    const count = Math.min(READERS, pairs.images - at);
    await Promise.all(Array.from({ length: count }, async (_, i) => {
      const pixels = await pairs.pixels(at + i, size);
      for (let k = 0; k < width; k++) data[(at + i) * width + k] = Math.round(255 * pixels[k]);
    }));
  }
  return rowsOf(data, [3, size, size]);
}

/** Files that are read at once. */
export const READERS = 16;
