import { assertEquals, assertThrows } from "@std/assert";
import { Vocabulary, words } from "./vocabulary.ts";

const NAMES = [
  "red apple",
  "green apple",
  "face with stuck-out tongue",
  "côte d’ivoire flag",
];

Deno.test("words are lower-case, without accents and punctuation", () => {
  assertEquals(words("U.S. Virgin Islands Flag"), [
    "us",
    "virgin",
    "islands",
    "flag",
  ]);
  assertEquals(words("RESCUE WORKER’S HELMET"), [
    "rescue",
    "workers",
    "helmet",
  ]);
  assertEquals(words("  Family: man,boy! "), ["family", "man", "boy"]);
  assertEquals(words("keycap: *"), ["keycap"]);
  assertEquals(words("São Tomé & Príncipe"), ["sao", "tome", "principe"]);
  assertEquals(words("?!"), []);
});

Deno.test("ids are alphabetical from 2 on, whatever the order of the names", () => {
  const vocabulary = Vocabulary.fromNames(NAMES);
  assertEquals(vocabulary.words, [
    "apple",
    "cote",
    "divoire",
    "face",
    "flag",
    "green",
    "out",
    "red",
    "stuck",
    "tongue",
    "with",
  ]);
  assertEquals([vocabulary.size, vocabulary.maxLength], [13, 5]);
  assertEquals(
    Vocabulary.fromNames([...NAMES].reverse()).toJSON(),
    vocabulary.toJSON(),
  );
  assertEquals(vocabulary.encode("Red Apple"), new Int32Array([9, 2, 0, 0, 0]));
  assertEquals(
    vocabulary.encode("blue apple"),
    new Int32Array([1, 2, 0, 0, 0]),
  );
  assertEquals(
    vocabulary.encodeAll([
      "apple",
      "face with stuck-out tongue and closed eyes",
    ]),
    new Int32Array([2, 0, 0, 0, 0, 5, 12, 10, 8, 11]),
  );
});

Deno.test("a prompt without words is the null prompt, never padding alone", () => {
  const vocabulary = Vocabulary.fromNames(NAMES);
  for (const prompt of ["", "  ", "*"]) {
    assertEquals(vocabulary.encode(prompt), vocabulary.nullPrompt());
  }
  assertEquals(vocabulary.nullPrompt(), new Int32Array([1, 0, 0, 0, 0]));
});

Deno.test("a vocabulary survives a checkpoint", () => {
  const vocabulary = Vocabulary.fromNames(NAMES, 8);
  const again = new Vocabulary(JSON.parse(JSON.stringify(vocabulary)));
  for (const prompt of [...NAMES, "a pear"]) {
    assertEquals(again.encode(prompt), vocabulary.encode(prompt));
  }
});

Deno.test("a damaged vocabulary is refused", () => {
  assertThrows(
    () => new Vocabulary({ words: ["red", "red"], maxLength: 2 }),
    TypeError,
    "twice",
  );
  assertThrows(
    () => new Vocabulary({ words: ["red apple"], maxLength: 2 }),
    TypeError,
    '"red apple"',
  );
  assertThrows(
    () => new Vocabulary({ words: ["red"], maxLength: 0 }),
    RangeError,
    "maxLength is 0",
  );
});

Deno.test("the warning names unknown and dropped words", () => {
  const vocabulary = Vocabulary.fromNames(NAMES, 2);
  assertEquals(vocabulary.warning("Green apple"), undefined);
  assertEquals(
    vocabulary.warning("blue apple"),
    'Prompt "blue apple": the model knows 11 words, and "blue" is not one of them',
  );
  assertEquals(
    vocabulary.warning("red apple pie, big"),
    'Prompt "red apple pie, big": the model knows 11 words, and "pie", "big" are not among them; ' +
      'it reads 2 words, so "pie", "big" had no effect',
  );
});
