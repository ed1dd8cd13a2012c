import { flattenParams, loadParams, type Params } from "@dipp/nn";
import {
  type BertInputs,
  BertModel,
  CLIPTextModel,
  CLIPTextModelWithProjection,
  T5EncoderModel,
  type TextEncoding,
} from "@dipp/scores";
import { key, type Tensor } from "@dipp/tensor";
import { type Area, Skipped } from "../area.ts";
import type { GoldenCase } from "../golden_case.ts";
import { gradients } from "../gradients.ts";

/** Text encoders, told apart by their class in transformers. */
export const text: Area = (one) => {
  const config = one.field<{ architectures?: string[] }>("config");
  const name = config.architectures?.[0];
  switch (name) {
    case "CLIPTextModel":
      return encode(new CLIPTextModel(config), one);
    case "CLIPTextModelWithProjection":
      return encode(new CLIPTextModelWithProjection(config), one);
    case "T5EncoderModel":
      return encode(new T5EncoderModel(config), one);
    case "BertModel":
      return encode(new BertModel(config), one);
    default:
      throw new Skipped(`nothing here computes the encoder "${name}"`);
  }
};

/** What the encoders have in common here. */
interface Encoder<P extends Params> {
  readonly ignored: RegExp;
  init(key: Tensor): P;
  apply(params: P, inputs: BertInputs): TextEncoding & { poolerOutput?: Tensor; textEmbeds?: Tensor };
}

/** `penultimate_hidden_state` is that of every layer but the last. */
function encode<P extends Params>(network: Encoder<P>, one: GoldenCase): ReturnType<Area> {
  const params = loadParams(network.init(key(0)), one.weights, { ignore: network.ignored });
  const { attention_mask: attentionMask, token_type_ids: tokenTypeIds } = one.allInputs();
  const encoding = network.apply(params, { inputIds: one.input("input_ids"), attentionMask, tokenTypeIds });
  const outputs = {
    last_hidden_state: encoding.lastHiddenState,
    penultimate_hidden_state: encoding.hiddenStates.at(-2)!,
    embedding_output: encoding.hiddenStates[0],
    ...(encoding.poolerOutput ? { pooler_output: encoding.poolerOutput } : {}),
    ...(encoding.textEmbeds ? { text_embeds: encoding.textEmbeds } : {}),
  };
  return { ...outputs, ...gradients(one, outputs, Object.fromEntries(flattenParams(params))) };
}
