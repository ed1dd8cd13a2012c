import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { grad, init, key, realize, tensor } from "@dipp/tensor";
import { WordEmbedder } from "./mod.ts";

await init();

const embedder = new WordEmbedder({ vocabularySize: 5, maxLength: 3, width: 2 });
const params = embedder.init(key(7));
await realize(params.token_embedding.weight, params.position_embedding.weight, params.null_token);
const ids = tensor(new Int32Array([3, 1, 0, 0, 0, 0]), [2, 3]);

Deno.test("words are token plus position vectors; an empty prompt is the null token", async () => {
  const { embeds, mask } = embedder.apply(params, ids);
  const [x, token, position, nullToken] = await Promise.all(
    [embeds, params.token_embedding.weight, params.position_embedding.weight, params.null_token]
      .map(async (v) => [...await v.data()]),
  );
  assertEquals(x.slice(0, 2), [0, 1].map((c) => Math.fround(token[6 + c] + position[c])));
  assertEquals(x.slice(2, 4), [0, 1].map((c) => Math.fround(token[2 + c] + position[2 + c])));
  assertEquals(x.slice(6, 8), nullToken);
  assertEquals([...await mask.cast("f32").data()], [1, 1, 0, 1, 0, 0]);
});

Deno.test("gradients reach the words that occur and the null token", async () => {
  const { embeds, mask } = embedder.apply(params, ids);
  const loss = embeds.mul(mask.cast("f32").unsqueeze(2)).sum();
  const [dToken, dNull] = grad(loss, [params.token_embedding.weight, params.null_token]);
  assertEquals([...await dToken.data()], [0, 0, 1, 1, 0, 0, 1, 1, 0, 0]);
  assertEquals([...await dNull.data()], [1, 1]);
});

Deno.test("shorter batches and word order are understood", async () => {
  const embed = async (list: number[]) => [
    ...await embedder.apply(params, tensor(new Int32Array(list), [1, 2])).embeds.data(),
  ];
  assertNotEquals(await embed([3, 1]), (await embed([1, 3])).reverse());
  assertThrows(() => embedder.apply(params, tensor(new Int32Array(4), [1, 4])), RangeError, "at most 3");
  assertThrows(() => new WordEmbedder({ vocabularySize: 0, maxLength: 3, width: 2 }), RangeError, "vocabularySize");
});
