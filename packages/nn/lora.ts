/**
 * LoRA: a network learns by small additions to weights that stay as they are.
 *
 * @module
 */

import { fold, type Tensor, treeEntries, treeFromEntries, zeros } from "@dipp/tensor";
import { kaimingUniform } from "./init.ts";
import { matchesTarget } from "./lora_targets.ts";
import type { Params } from "./params.ts";

/** Which weights are added to, and by how much. */
export interface LoraConfig {
  /** Rank of every addition, `r` of peft. */
  readonly rank: number;
  /** The addition is scaled by `alpha / rank`, `lora_alpha` of peft. Default the rank. */
  readonly alpha?: number;
  /**
   * Names of linear layers and convolutions, `target_modules` of peft: of a list, each is a whole path or the end of one
   * (`to_q`, `attn1.to_q`, `to_out.0`); a string is a regular expression for the whole path.
   */
  readonly targets: readonly string[] | string;
}

/** Parameters of a layer that can be added to. */
type Layer = { readonly weight: Tensor };

/** Weights that rows are looked up in: nothing is multiplied by them. */
const TABLE = /(^|\.)\w*(embedding|embedding_table|embed_tokens)$/;

/** The two factors of one addition. */
type Factors = { readonly lora_A: Layer; readonly lora_B: Layer };

/**
 * Draws the factors of the additions as peft does: A by Kaiming's uniform rule, B zero, so that the network is what it
 * was. A linear layer [out, in] gets A [rank, in] and B [out, rank]; a convolution [out, in, h, w] gets A
 * [rank, in, h, w] and B [out, rank, 1, 1].
 *
 * Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", arXiv 2106.09685, section 4.1; initial values,
 * names and shapes of peft's `LoraConfig` with its defaults.
 *
 * @param key the random key
 * @param base the network's parameters; only names and shapes are looked at
 * @param config see {@linkcode LoraConfig}
 * @returns a tree with `lora_A.weight` and `lora_B.weight` at the path of every target, f32, as expressions
 * @throws {RangeError} when the rank is no positive integer, no module is a target, or a target is of another kind
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { flattenParams, initLora, linear, withLora } from "@dipp/nn";
 * import { init, key, ones } from "@dipp/tensor";
 *
 * await init();
 * const base = { fc: linear.init(key(0), 6, 4) };
 * const config = { rank: 2, targets: ["fc"] };
 * const lora = initLora(key(1), base, config);
 * assertEquals([...flattenParams(lora).keys()], ["fc.lora_A.weight", "fc.lora_B.weight"]);
 * const { fc } = withLora(base, lora, config);
 * const x = ones([1, 6]);
 * assertEquals(await linear.apply(fc, x).data(), await linear.apply(base.fc, x).data());
 * ```
 */
export function initLora(key: Tensor, base: Params, config: LoraConfig): Params {
  loraScale(config);
  const { rank, targets } = config;
  const modules = treeEntries<Tensor>(base)
    .filter(([path]) => path.endsWith(".weight"))
    .map(([path, weight]) => [path.slice(0, -".weight".length), weight] as const)
    .filter(([module]) => matchesTarget(module, targets));
  if (modules.length === 0) throw new RangeError(`LoRA has targets ${show(targets)}, expected names of modules`);
  return treeFromEntries(modules.flatMap(([module, { shape }], i) => {
    if ((shape.length !== 2 && shape.length !== 4) || TABLE.test(module)) {
      throw new RangeError(
        `LoRA has a target "${module}" with a weight [${shape.join(", ")}], expected a linear layer or a convolution`,
      );
    }
    const [out, ...rest] = shape;
    return [
      [`${module}.lora_A.weight`, kaimingUniform(fold(key, i), [rank, ...rest])],
      [`${module}.lora_B.weight`, zeros([out, rank, ...rest.slice(1).map(() => 1)])],
    ] as const;
  })) as Params;
}

/**
 * The network with its additions: what its `apply` takes in place of its own parameters. Layers multiply by A and B one
 * after another, so the sum of weights is never made, and the gradient with respect to the factors needs none of the size
 * of a weight. The base is shared, not copied: any number of networks may add to one.
 *
 * @param base the network's parameters
 * @param lora the factors, of {@linkcode initLora}
 * @param config see {@linkcode LoraConfig}
 * @returns the base's tree with the factors in it, B scaled
 * @throws {RangeError} when there are factors for no module of the base, or of another shape
 */
export function withLora<P extends Params>(base: P, lora: Params, config: Omit<LoraConfig, "targets">): P {
  const scale = loraScale(config);
  return adapt(base, lora, ({ lora_A, lora_B }, layer) => ({
    ...layer,
    lora_A,
    lora_B: scale === 1 ? lora_B : { weight: lora_B.weight.mul(scale) },
  }));
}

/**
 * The sum of weights and additions, `W + alpha / rank B A`: a network as any other, which needs no factors any more.
 *
 * @param base the network's parameters
 * @param lora the factors, of {@linkcode initLora}
 * @param config see {@linkcode LoraConfig}
 * @returns the base's tree with other weights, of the dtypes of the base, as expressions
 * @throws {RangeError} when there are factors for no module of the base, or of another shape
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mergeLora } from "@dipp/nn";
 * import { init, tensor } from "@dipp/tensor";
 *
 * await init();
 * const base = { fc: { weight: tensor([[1, 2], [3, 4]]) } };
 * const lora = { fc: { lora_A: { weight: tensor([[1, -1]]) }, lora_B: { weight: tensor([[1], [0]]) } } };
 * const { fc } = mergeLora(base, lora, { rank: 1, alpha: 0.5 });
 * assertEquals([...await fc.weight.data()], [1.5, 1.5, 3, 4]);
 * ```
 */
export function mergeLora<P extends Params>(base: P, lora: Params, config: Omit<LoraConfig, "targets">): P {
  const scale = loraScale(config);
  return adapt(base, lora, ({ lora_A, lora_B }, layer) => {
    const { weight } = layer;
    const [rank] = lora_A.weight.shape;
    const change = lora_B.weight.reshape([-1, rank]).matmul(lora_A.weight.reshape([rank, -1]));
    const sum = weight.cast("f32").add(change.cast("f32").mul(scale).reshape(weight.shape));
    return { ...layer, weight: sum.cast(weight.dtype) };
  });
}

/** What the product of the factors is multiplied by. */
function loraScale({ rank, alpha = rank }: Omit<LoraConfig, "targets">): number {
  if (!Number.isInteger(rank) || rank < 1) throw new RangeError(`LoRA has rank ${rank}, expected a positive integer`);
  if (!(alpha > 0 && alpha < Infinity)) throw new RangeError(`LoRA has alpha ${alpha}, expected a positive number`);
  return alpha / rank;
}

/** Replaces the layers that have factors. */
function adapt<P extends Params>(base: P, lora: Params, fn: (factors: Factors, layer: Layer) => Params): P {
  const used = new Set<string>();
  const walk = (node: Params, factors: Params | undefined, path: string): Params => {
    if (factors === undefined) return node;
    if (isFactors(factors)) {
      used.add(path);
      return fn(factors, checkLayer(node, factors, path));
    }
    const below = factors as Record<string, Params>;
    const child = (value: Params, key: string | number) => walk(value, below[key], path ? `${path}.${key}` : `${key}`);
    if (Array.isArray(node)) return node.map(child);
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, child(value as Params, key)]));
  };
  const adapted = walk(base, lora, "") as P;
  for (const [path] of treeEntries<Tensor>(lora)) {
    const module = path.replace(/\.lora_[AB]\.weight$/, "");
    if (!used.has(module)) throw new RangeError(`Cannot apply LoRA: there is no module "${module}"`);
  }
  return adapted;
}

function isFactors(node: Params): node is Params & Factors {
  return "lora_A" in (node as object) && "lora_B" in (node as object);
}

function checkLayer(node: Params, { lora_A, lora_B }: Factors, path: string): Layer {
  const layer = node as Layer;
  if (!("weight" in layer)) throw new RangeError(`Cannot apply LoRA: "${path}" has no weight`);
  const [out, ...rest] = layer.weight.shape;
  const [rank, ...wide] = lora_A.weight.shape;
  const up = [out, rank, ...rest.slice(1).map(() => 1)];
  if (wide.join() === rest.join() && lora_B.weight.shape.join() === up.join()) return layer;
  const shapes = [lora_A, lora_B].map(({ weight }) => `[${weight.shape.join(", ")}]`).join(" and ");
  throw new RangeError(
    `Cannot apply LoRA: "${path}" has a weight [${layer.weight.shape.join(", ")}] and factors ${shapes}, expected ` +
      `[rank, ${rest.join(", ")}] and [${out}, rank${rest.slice(1).map(() => ", 1").join("")}]`,
  );
}

function show(targets: LoraConfig["targets"]): string {
  return typeof targets === "string" ? `/${targets}/` : `[${targets.join(", ")}]`;
}
