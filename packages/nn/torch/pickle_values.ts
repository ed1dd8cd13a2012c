/**
 * What a restricted pickle is made of. Lists are arrays, numbers are numbers.
 *
 * @module
 */

import type { SafetensorsDType } from "../safetensors_entry.ts";

/** A tuple. */
export class Tuple {
  /** @param items its items */
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A dict or an OrderedDict; keys are strings or integers. */
export class Dict {
  /** Its items. */
  readonly entries: Map<string | number, PickleValue> = new Map();
}

/** The name of something importable; it stands for itself, nothing is imported. */
export class Global {
  /** @param name module and name */
  constructor(readonly name: string) {}
}

/** A storage: numbers that tensors show. */
export class Storage {
  /**
   * @param dtype their type
   * @param key their entry in the archive, under `data/`
   * @param size how many
   */
  constructor(readonly dtype: SafetensorsDType, readonly key: string, readonly size: number) {}
}

/** A tensor as it is described. */
export class PickledTensor {
  /**
   * @param storage where its elements are
   * @param offset the first of them, in elements
   * @param shape the extent of each axis
   * @param strides elements from one index to the next, for each axis
   */
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** Anything in a restricted pickle. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | readonly PickleValue[]
  | Tuple
  | Dict
  | Global
  | Storage
  | PickledTensor;
