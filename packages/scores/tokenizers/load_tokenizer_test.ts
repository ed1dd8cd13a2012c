import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { loadTokenizer } from "./load_tokenizer.ts";

const DATA = new URL("../../../testdata/tokenizers/", import.meta.url).pathname;

/** Encodings of Hugging Face's tokenizers (Rust) for the same files; those of CLIP with the whole vocabulary. */
const KNOWN: Readonly<Record<"clip" | "t5" | "bert", readonly (readonly [string, number[]])[]>> = {
  clip: [
    ["", [49406, 49407]],
    ["a photo of a cat", [49406, 320, 1125, 539, 320, 2368, 49407]],
    ["A Photo  of\n a CAT!", [49406, 320, 1125, 539, 320, 2368, 256, 49407]],
    ["it's 2024: 50% off", [49406, 585, 568, 273, 271, 273, 275, 281, 276, 271, 260, 1007, 49407]],
    ["naïve café — 東京", [49406, 1097, 35689, 563, 15304, 2005, 48338, 21078, 361, 49407]],
    ["an astronaut riding a horse, highly detailed, 8k", [
      ...[49406, 550, 18376, 6765, 320, 4558, 267, 5302, 12609, 267, 279, 330, 49407],
    ]],
    ["🙂 hello", [49406, 14860, 3306, 49407]],
  ],
  t5: [
    ["", [1]],
    ["a photo of cats", [4, 5, 6, 7, 8, 1]],
    ["a  red dog, potato", [4, 22, 23, 21, 3, 14, 16, 11, 9, 18, 1]],
    ["zebra ｃａｔ", [3, 2, 25, 2, 26, 9, 7, 1]],
  ],
  bert: [
    ["", [2, 3]],
    ["A Photo of doggy cats", [2, 5, 6, 7, 10, 11, 8, 9, 3]],
    ["café, redder", [2, 12, 13, 14, 15, 16, 3]],
    ["[ENC] a zebra", [2, 18, 5, 1, 3]],
  ],
};

for (const [kind, length, padding] of [["clip", 77, 49407], ["t5", 120, 0], ["bert", 35, 0]] as const) {
  Deno.test(`the tokenizer of ${kind} gives the known encodings, filled up to ${length}`, async () => {
    const tokenizer = await loadTokenizer(DATA + kind);
    assertEquals(tokenizer.kind, kind);
    const encoded = tokenizer.encode(KNOWN[kind].map(([text]) => text));
    assertEquals(encoded.length, length);
    KNOWN[kind].forEach(([text, ids], row) => {
      const part = (array: Int32Array) => [...array.subarray(row * length, (row + 1) * length)];
      assertEquals(part(encoded.ids), [...ids, ...new Array(length - ids.length).fill(padding)], text);
      assertEquals(part(encoded.mask), Array.from({ length }, (_, i) => i < ids.length ? 1 : 0));
    });
  });
}

Deno.test("a text that is too long is cut before the token that ends it", async () => {
  const tokenizer = await loadTokenizer(`${DATA}clip`);
  assertEquals([...tokenizer.encode(["a photo of a cat"], 4).ids], [49406, 320, 1125, 49407]);
  assertEquals([...(await loadTokenizer(`${DATA}t5`)).encode(["a photo of cats"], 3).ids], [4, 5, 1]);
  assertThrows(() => tokenizer.encode([""], 1), RangeError, "Cannot tokenise to 1 tokens");
});

Deno.test("a tokenizer that does not match or is broken is refused", async () => {
  assertEquals((await loadTokenizer(`${DATA}clip`, { vocabularySize: 49408 })).vocabularySize, 49408);
  await assertRejects(
    () => loadTokenizer(`${DATA}clip`, { vocabularySize: 1000 }),
    RangeError,
    "has 49408 ids, the text encoder knows 1000: they do not match",
  );
  const folder = await Deno.makeTempDir();
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  const refused = (message: string) => assertRejects(() => loadTokenizer(folder), TypeError, message);
  await refused("its tokenizer is undefined, expected CLIP's, T5's or BERT's");
  await write("tokenizer_config.json", '{"tokenizer_class": "GPT2Tokenizer"}');
  await refused("its tokenizer is GPT2Tokenizer");
  await write("tokenizer_config.json", '{"tokenizer_class": "CLIPTokenizer"}');
  await refused("vocab.json: there is no such file");
  await write("vocab.json", '{"a": -1}');
  await write("merges.txt", "");
  await refused('Invalid vocab.json: "a" is -1, expected an id');
  await write("vocab.json", '{"a": 1}');
  await refused('it lacks "<|startoftext|>"');
  await write("vocab.json", '{"<|startoftext|>": 0, "<|endoftext|>": 1}');
  await write("merges.txt", "#version: 0.2\na b c\n");
  await refused('Invalid merges.txt: "a b c" is no pair');
  await write("tokenizer.json", '{"model": {"type": "Magic"}}');
  await refused("its tokenizer is not understood");
  await write("tokenizer.json", "[]");
  await refused("it holds no JSON object");
  await Deno.remove(folder, { recursive: true });
});
