import { assertEquals, assertThrows } from "@std/assert";
import { parameterCount } from "@dipp/nn";
import { init, key, randn, type Tensor, tensor, treeLeaves } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import { BertModel, CLIPTextModel, CLIPTextModelWithProjection, relativeBucket, T5EncoderModel } from "../mod.ts";

await init();

const CLIP = { vocab_size: 12, hidden_size: 8, intermediate_size: 16, num_attention_heads: 2, num_hidden_layers: 2 };
const T5 = { vocab_size: 12, d_model: 8, d_kv: 3, d_ff: 16, num_heads: 2, num_layers: 2 };
const BERT = { ...CLIP, max_position_embeddings: 5 };
const ids = (...rows: number[][]) => tensor(Int32Array.from(rows.flat()), [rows.length, rows[0].length]);
const size = (params: Parameters<typeof treeLeaves<Tensor>>[0]) => [treeLeaves(params).length, parameterCount(params)];

Deno.test("released configurations give the released tensors and parameters", () => {
  const clip = new CLIPTextModel({
    _name_or_path: "openai/clip-vit-large-patch14",
    architectures: ["CLIPTextModel"],
    attention_dropout: 0,
    bos_token_id: 0,
    dropout: 0,
    eos_token_id: 2,
    hidden_act: "quick_gelu",
    hidden_size: 768,
    initializer_factor: 1,
    initializer_range: 0.02,
    intermediate_size: 3072,
    layer_norm_eps: 1e-5,
    max_position_embeddings: 77,
    model_type: "clip_text_model",
    num_attention_heads: 12,
    num_hidden_layers: 12,
    pad_token_id: 1,
    projection_dim: 768,
    torch_dtype: "float32",
    transformers_version: "4.22.0.dev0",
    vocab_size: 49408,
  });
  assertEquals(size(clip.init(key(0))), [196, 123_060_480]);
  const t5 = new T5EncoderModel({
    architectures: ["T5EncoderModel"],
    d_ff: 10240,
    d_kv: 64,
    d_model: 4096,
    decoder_start_token_id: 0,
    dense_act_fn: "gelu_new",
    dropout_rate: 0.1,
    eos_token_id: 1,
    feed_forward_proj: "gated-gelu",
    is_encoder_decoder: true,
    is_gated_act: true,
    layer_norm_epsilon: 1e-6,
    model_type: "t5",
    num_decoder_layers: 24,
    num_heads: 64,
    num_layers: 24,
    relative_attention_max_distance: 128,
    relative_attention_num_buckets: 32,
    tie_word_embeddings: false,
    use_cache: true,
    vocab_size: 32128,
  });
  assertEquals(size(t5.init(key(0))), [219, 4_762_310_656]);
});

Deno.test("CLIP hears no later token, and pools at the end of the text", async () => {
  const clip = new CLIPTextModel({ ...CLIP, eos_token_id: 11 });
  const params = clip.init(key(1));
  const { lastHiddenState, poolerOutput } = clip.apply(params, { inputIds: ids([1, 4, 11, 11], [1, 4, 7, 11]) });
  const [states, pooled] = [await lastHiddenState.data(), await poolerOutput.data()];
  assertClose(states.slice(32, 48), states.slice(0, 16), 1e-6, "the states before the texts differ");
  assertEquals(pooled.slice(0, 8), states.slice(16, 24));
  assertEquals(pooled.slice(8), states.slice(56));
});

Deno.test("an eos_token_id of 2 pools at the largest id", async () => {
  const clip = new CLIPTextModelWithProjection({ ...CLIP, projection_dim: 3, eos_token_id: 2 });
  const params = clip.init(key(1));
  const { lastHiddenState, poolerOutput, textEmbeds } = clip.apply(params, { inputIds: ids([2, 4, 9, 9]) });
  assertEquals(await poolerOutput.data(), (await lastHiddenState.data()).slice(16, 24));
  assertEquals(textEmbeds.shape, [1, 3]);
});

for (
  const [name, encoder] of Object.entries({
    T5EncoderModel: new T5EncoderModel({ ...T5, feed_forward_proj: "gated-silu" }),
    BertModel: new BertModel(BERT),
  })
) {
  Deno.test(`${name}: what is masked does not reach the others`, async () => {
    const params = encoder.init(key(2));
    const run = async (padding: number) => {
      const inputIds = ids([1, 4, padding]);
      const attentionMask = ids([1, 1, 0]);
      return (await encoder.apply(params as never, { inputIds, attentionMask }).lastHiddenState.data()).slice(0, 16);
    };
    assertEquals(await run(0), await run(7));
  });

  Deno.test(`${name}: a text that is masked whole stays finite`, async () => {
    const inputs = { inputIds: ids([1, 4, 0]), attentionMask: ids([0, 0, 0]) };
    const { lastHiddenState } = encoder.apply(encoder.init(key(2)) as never, inputs);
    assertEquals((await lastHiddenState.data()).every(Number.isFinite), true);
  });
}

Deno.test("relativeBucket(): halves for the directions, then one a distance, then growing ranges", () => {
  const of = (d: number) => relativeBucket(d, 32, 128);
  assertEquals([0, -1, -7, -8, -11, -12, -15, -16, -127, -128, -5000].map(of), [0, 1, 7, 8, 8, 9, 9, 10, 15, 15, 15]);
  assertEquals([1, 7, 8, 64, 5000].map(of), [17, 23, 24, 30, 31]);
});

Deno.test("wrong configurations are refused with path, value and expectation", () => {
  const clip = (config: object) => () => new CLIPTextModel({ ...CLIP, ...config });
  assertThrows(clip({ hidden_act: "mish" }), TypeError, 'CLIPTextModel: hidden_act is "mish"');
  assertThrows(clip({ model_type: "t5" }), TypeError, 'model_type is "t5"');
  assertThrows(clip({ num_attention_heads: 3 }), TypeError, "divisor of hidden_size = 8");
  assertThrows(clip({ width: 3 }), TypeError, "width");
  const t5 = (config: object) => () => new T5EncoderModel({ ...T5, ...config });
  assertThrows(t5({ feed_forward_proj: "gated-mish" }), TypeError, 'feed_forward_proj is "gated-mish": expected gelu');
  assertThrows(t5({ relative_attention_num_buckets: 6 }), TypeError, "relative_attention_num_buckets is 6");
  assertThrows(t5({ relative_attention_max_distance: 8 }), TypeError, "expected more than the 8 distances");
  assertThrows(t5({ num_layers: "two" }), TypeError, 'num_layers is "two"');
  assertThrows(t5({ d_head: 3 }), TypeError, "d_head");
  const bert = (config: object) => () => new BertModel({ ...BERT, ...config });
  assertThrows(bert({ position_embedding_type: "relative_key" }), TypeError, 'is "relative_key"');
  assertThrows(bert({ hidden_size: -8 }), TypeError, "hidden_size is -8");
});

Deno.test("wrong ids are refused", () => {
  const clip = new CLIPTextModel({ ...CLIP, max_position_embeddings: 3 });
  const params = clip.init(key(0));
  const encode = (inputIds: Tensor) => () => clip.apply(params, { inputIds });
  assertThrows(encode(ids([1, 2, 3, 4])), RangeError, "4 tokens: expected at most 3");
  assertThrows(encode(randn(key(0), [1, 3])), TypeError, "cannot encode f32 [1,3]: expected integers [B, L]");
  assertThrows(encode(ids([1]).flatten()), TypeError, "i32 [1]");
});
