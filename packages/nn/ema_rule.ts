/**
 * How the decay of a moving average depends on the step.
 *
 * @module
 */

import type { Tensor } from "@dipp/tensor";
import { expm1 } from "./expm1.ts";

/** The same decay at every step. */
export interface ConstantEmaRule {
  /** Tells the rules apart. */
  readonly name: "constant";
  /** How much of the average is kept. */
  readonly decay: number;
}

/**
 * The rule of diffusers' `EMAModel`: with n = step - updateAfterStep - 1, a
 * decay of 0 while n <= 0 (so the first update copies), then (1 + n) / (10 + n),
 * or 1 - (1 + n / invGamma)^-power with warm-up, limited to [minDecay, decay].
 */
export interface DiffusersEmaRule {
  /** Tells the rules apart. */
  readonly name: "diffusers";
  /** The largest decay. Default 0.9999. */
  readonly decay?: number;
  /** The smallest decay once averaging has begun. Default 0. */
  readonly minDecay?: number;
  /** Updates that copy before averaging begins. Default 0. */
  readonly updateAfterStep?: number;
  /** Whether to use the power law. Default false. */
  readonly useEmaWarmup?: boolean;
  /** Default 1. */
  readonly invGamma?: number;
  /** Default 2/3. */
  readonly power?: number;
}

/**
 * The rule of EDM: a half-life in images that grows with the images seen,
 * decay = 0.5^(batch / min(halfLifeImages, rampupRatio * step * batch)).
 *
 * Source: Karras et al., "Elucidating the Design Space of Diffusion-Based
 * Generative Models", arXiv 2206.00364, training_loop.py.
 */
export interface HalfLifeEmaRule {
  /** Tells the rules apart. */
  readonly name: "half_life";
  /** Images of one step. */
  readonly batch: number;
  /** Images after which half of the average is forgotten. */
  readonly halfLifeImages: number;
  /** Default: no ramp. EDM uses 0.05. */
  readonly rampupRatio?: number;
}

/** How the decay of a moving average depends on the step. */
export type EmaRule = ConstantEmaRule | DiffusersEmaRule | HalfLifeEmaRule;

/**
 * Evaluates a rule on the host.
 *
 * @param rule the rule
 * @param step the number of the update, counted from 1
 * @returns the decay of that update
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { emaDecay } from "@dipp/nn";
 *
 * assertEquals(emaDecay({ name: "diffusers" }, 1), 0);
 * assertEquals(emaDecay({ name: "diffusers" }, 3), 3 / 12);
 * ```
 */
export function emaDecay(rule: EmaRule, step: number): number {
  switch (rule.name) {
    case "constant":
      return rule.decay;
    case "half_life": {
      const { batch, halfLifeImages, rampupRatio = Infinity } = rule;
      const images = Math.min(halfLifeImages, rampupRatio * step * batch);
      return 0.5 ** (batch / images);
    }
    case "diffusers": {
      const { decay, minDecay, updateAfterStep, useEmaWarmup, ...law } = diffusersDefaults(rule);
      const n = step - updateAfterStep - 1;
      if (n <= 0) return 0;
      const free = useEmaWarmup ? 1 - (1 + n / law.invGamma) ** -law.power : (1 + n) / (10 + n);
      return Math.max(minDecay, Math.min(decay, free));
    }
  }
}

/**
 * Builds 1 - decay as an expression of the step. It is what an update needs,
 * and unlike the decay it keeps its accuracy in float32 when it is small.
 */
export function emaRate(rule: EmaRule): (step: Tensor) => Tensor | number {
  checkRule(rule);
  switch (rule.name) {
    case "constant":
      return () => 1 - rule.decay;
    case "half_life": {
      const { batch, halfLifeImages, rampupRatio } = rule;
      if (rampupRatio === undefined) return () => 1 - emaDecay(rule, 1);
      return (step) => {
        const images = step.cast("f32").mul(rampupRatio * batch)
          .minimum(halfLifeImages);
        return expm1(images.reciprocal().mul(batch * Math.log(0.5))).neg();
      };
    }
    case "diffusers": {
      const { decay, minDecay, updateAfterStep, useEmaWarmup, ...law } = diffusersDefaults(rule);
      return (step) => {
        const n = step.sub(updateAfterStep + 1).maximum(0).cast("f32");
        const free = useEmaWarmup
          ? n.mul(1 / law.invGamma).add(1).log().mul(-law.power).exp()
          : n.add(10).reciprocal().mul(9);
        const rate = free.maximum(1 - decay).minimum(1 - minDecay);
        // Arithmetic instead of a branch: 1 where averaging has not begun.
        const begun = n.minimum(1);
        return rate.mul(begun).add(begun.neg().add(1));
      };
    }
  }
}

function diffusersDefaults(rule: DiffusersEmaRule): Required<DiffusersEmaRule> {
  const defaults = {
    decay: 0.9999,
    minDecay: 0,
    updateAfterStep: 0,
    useEmaWarmup: false,
    invGamma: 1,
    power: 2 / 3,
  };
  return { ...defaults, ...rule };
}

function checkRule(rule: EmaRule): void {
  const check = (name: string, value: number, ok: boolean, wanted: string) => {
    if (ok) return;
    throw new RangeError(
      `${name} of the average is ${value}, expected ${wanted}`,
    );
  };
  const unit = (x: number) => x >= 0 && x <= 1;
  switch (rule.name) {
    case "constant":
      return check("decay", rule.decay, unit(rule.decay), "one in [0, 1]");
    case "half_life": {
      const { batch, halfLifeImages: life, rampupRatio: ramp = 1 } = rule;
      check("batch", batch, batch > 0, "a positive number");
      check("halfLifeImages", life, life > 0, "a positive number");
      return check("rampupRatio", ramp, ramp > 0, "a positive number");
    }
    case "diffusers": {
      const { decay, minDecay, invGamma, power } = diffusersDefaults(rule);
      check("decay", decay, unit(decay), "one in [0, 1]");
      const inside = minDecay >= 0 && minDecay <= decay;
      check("minDecay", minDecay, inside, "one in [0, decay]");
      check("invGamma", invGamma, invGamma > 0, "a positive number");
      return check("power", power, power > 0, "a positive number");
    }
  }
}
