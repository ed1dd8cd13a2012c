import { type Tensor, where } from "@dipp/tensor";
import * as linearStack from "./linear_stack.ts";
import type { LinearStackParams } from "./linear_stack.ts";

/** The head of the improved aesthetic predictor: the embedding at unit length, then five linear layers. */
export class AestheticHead {
  /** Width of the embedding; 768 for ViT-L/14. */
  readonly inputSize: number;

  /** Takes the width of the embedding. */
  constructor(inputSize = 768) {
    this.inputSize = inputSize;
  }

  /** Draws parameters from a random key. */
  init(key: Tensor): LinearStackParams {
    return linearStack.init(key, this.inputSize);
  }

  /**
   * Embeddings at unit length; a zero vector stays zero, as in the official code.
   *
   * @param embeds projected image embeddings, `[B, inputSize]`
   * @returns `[B, inputSize]`
   */
  normalize(embeds: Tensor): Tensor {
    const square = embeds.square().sum(1, true);
    // The root's gradient at zero is infinite
    return embeds.div(where(square.eq(0), 1, square).sqrt());
  }

  /**
   * Scores embeddings.
   *
   * @param params the parameters
   * @param embeds projected image embeddings, `[B, inputSize]`, not normalised
   * @returns `[B, 1]`
   */
  apply(params: LinearStackParams, embeds: Tensor): Tensor {
    return linearStack.apply(params, this.normalize(embeds));
  }
}
