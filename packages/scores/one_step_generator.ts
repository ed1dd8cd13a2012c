import { full, type Tensor } from "@dipp/tensor";
import type { Cond, Generator, ScoreModel } from "./types.ts";

/** Where a one-step generator evaluates its network, and what it feeds it. */
export interface OneStepGeneratorOptions {
  /** Time of the schedule: a timestep (VP) or a noise level (EDM). Give this or `sigmaInit`. */
  readonly t?: number;
  /**
   * The noise level sigma / alpha instead: 2.5 in Diff-Instruct's descendants.
   * A discrete schedule takes its nearest timestep (625 for SD 1.5).
   */
  readonly sigmaInit?: number;
  /**
   * Input of the network: `"ve"`, sigma z (EDM); `"vp"`, √(1 - ᾱ_t) z, a
   * noised zero image (SiD-LSG); `"unit"`, z itself (DMD2, SwiftBrush).
   * `"ve"` or `"vp"` after the schedule by default.
   */
  readonly input?: "ve" | "vp" | "unit";
}

/**
 * The one-step generator inside a score model: its denoised image at a fixed
 * noise level, with (nearly) pure noise put in,
 * `g(z, c) = x̂_0(scale · z; t*, c)`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ones } from "@dipp/tensor";
 * import { edmModel, OneStepGenerator } from "@dipp/scores";
 *
 * const model = edmModel((x) => x.mul(0), { sigmaData: 1 });
 * const generator = new OneStepGenerator(model, { sigmaInit: 1 });
 * const x0 = generator.generate(ones([1, 1, 1, 1]), {});
 * assertEquals(await x0.data(), new Float32Array([0.5]));
 * ```
 */
export class OneStepGenerator implements Generator {
  /** The score model inside. */
  readonly model: ScoreModel;
  /** The fixed time at which it is evaluated. */
  readonly t: number;
  readonly #input: "ve" | "vp" | "unit";

  /**
   * Fixes the noise level.
   *
   * @param model The score model, with the generator's parameters bound.
   * @param options The fixed noise level and the form of the input.
   */
  constructor(model: ScoreModel, options: OneStepGeneratorOptions) {
    const { t, sigmaInit, input = model.schedule.kind } = options;
    if ((t === undefined) === (sigmaInit === undefined)) {
      throw new TypeError(
        `A one-step generator needs exactly one of t and sigmaInit, got ${t} and ${sigmaInit}`,
      );
    }
    if (input !== "unit" && input !== model.schedule.kind) {
      throw new TypeError(
        `Input "${input}" does not fit a schedule of kind "${model.schedule.kind}", expected that or "unit"`,
      );
    }
    this.model = model;
    this.t = t ?? model.schedule.timeOfRatio(sigmaInit!);
    this.#input = input;
  }

  /**
   * Generates images.
   *
   * @param z Standard normal noise, `[B, C, H, W]`.
   * @param cond The condition.
   * @returns `x_0`, shaped like `z`.
   */
  generate(z: Tensor, cond: Cond): Tensor {
    const t = full([z.shape[0]], this.t);
    const scale = this.model.schedule.sigma(t.slice([[0, 1]]));
    const input = this.#input === "unit" ? z : z.mul(scale.reshape(z.shape.map(() => 1)));
    return this.model.predict(input, t, cond).x0;
  }
}
