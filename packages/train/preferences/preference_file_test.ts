import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConfigError } from "../config/config_error.ts";
import { writePreferences } from "../testing/preference_files.ts";
import { PreferenceFile, type PreferenceFileConfig } from "./preference_file.ts";
import { parsePreferences } from "./preference_line.ts";

const read = (preferences: string, more: Partial<PreferenceFileConfig> = {}) =>
  PreferenceFile.read({
    ...{ preferences, size: null, held_out: 0.25, split: "prompt", ties: "half", vocabulary: null, source: null },
    ...more,
  });

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("PNG, JPEG and WebP beside the file are read as squares of their centre", () =>
  withFolder(async (folder) => {
    const { file, prompts } = await writePreferences(folder);
    const pairs = await read(file);
    assertEquals([pairs.prompts, pairs.images], [prompts, 2 * 3 * 12]);
    assertEquals(pairs.train.length + pairs.heldOut.length, 36);
    // Images are numbered as they come: prompt 0 ("red square") has 0 to 5, bright before dark
    for (const [image, level] of [[0, 200], [1, 60], [2, 200], [3, 60], [4, 128]]) {
      const pixels = await pairs.pixels(image, 8);
      assertEquals(pixels.length, 3 * 8 * 8);
      for (const [c, expected] of [level, 0, 0].entries()) {
        const at = 255 * pixels[c * 64 + 27];
        assert(Math.abs(at - expected) <= 3, `image ${image}, channel ${c}: ${at}, expected ${expected}`);
      }
    }
    assertEquals(pairs.train.concat(pairs.heldOut).filter(({ isTie }) => isTie).length, 12);
  }));

Deno.test("a share of the prompts is held out with all their pairs, always the same; or pairs, or another file", () =>
  withFolder(async (folder) => {
    const { file } = await writePreferences(folder);
    const pairs = await read(file);
    const [train, held] = [pairs.train, pairs.heldOut].map((part) => new Set(part.map(({ prompt }) => prompt)));
    assertEquals([held.size, train.size, pairs.heldOut.length], [3, 9, 9]);
    assert(held.isDisjointFrom(train));
    assertEquals((await read(file)).heldOut, pairs.heldOut);
    const turned = (await Deno.readTextFile(file)).trim().split("\n").reverse().join("\n");
    await Deno.writeTextFile(`${folder}/turned.jsonl`, turned);
    const again = await read(`${folder}/turned.jsonl`);
    const names = (file: PreferenceFile) => [...new Set(file.heldOut.map(({ prompt }) => file.prompts[prompt]))].sort();
    assertEquals(names(again), names(pairs));

    const single = await read(file, { split: "pair" });
    assertEquals([single.train.length, single.heldOut.length], [27, 9]);
    assert(new Set(single.heldOut.map(({ prompt }) => prompt)).size > 3);
    assertEquals((await read(file, { ties: "omit", held_out: 0 })).train.length, 24);
    const [, second] = (await Deno.readTextFile(file)).split("\n");
    await Deno.writeTextFile(`${folder}/test.jsonl`, second);
    const other = await read(file, { held_out: `${folder}/test.jsonl` });
    assertEquals([other.train.length, other.heldOut], [36, [other.train[1]]]);
  }));

Deno.test("what is wrong with preferences is named, with file and line", () =>
  withFolder(async (folder) => {
    const { file } = await writePreferences(folder);
    const refused = async (line: string, expected: string) => {
      await Deno.writeTextFile(`${folder}/own.jsonl`, `\n${line}\n`);
      await assertRejects(() => read(`${folder}/own.jsonl`), ConfigError, `own.jsonl${expected}`);
    };
    await refused("{", " line 2 is not JSON");
    await refused("[1]", " line 2 is [1], expected an object with prompt, chosen and rejected");
    await refused('{"prompt": "a", "rejected": "b"}', " line 2: chosen is missing, expected the path of an image");
    await refused('{"prompt": 3, "chosen": "a", "rejected": "b"}', " line 2: prompt is 3, expected a text");
    await refused(
      '{"prompt": "a", "chosen": "a", "rejected": "b", "tie": 1}',
      " line 2: tie is 1, expected true or false",
    );
    const image = "pictures/0-0-dark.png";
    await refused(
      `{"prompt": "a", "chosen": "no.png", "rejected": "${image}"}`,
      " line 2: chosen is no.png, but there is no file",
    );
    await refused(
      `{"prompt": "a", "chosen": "${image}", "rejected": "./${image}"}`,
      " line 2: chosen and rejected are both",
    );
    await refused(
      `{"prompt": "a", "chosen": "${image}", "rejected": "pictures/0-0-bright.png"}`,
      " holds 1 prompts, too few",
    );
    await refused('{"prompt": "a", "skipped": ["b", "c"]}', " holds 0 pairs, of which none is left");
    await assertRejects(() => read(file, { held_out: 0.25, ties: "omit", preferences: "/none" }), Error, "/none");
    await Deno.writeTextFile(`${folder}/pictures/0-0-dark.png`, "no image");
    const pairs = await read(file);
    await assertRejects(() => pairs.pixels(1, 8), TypeError, "pictures/0-0-dark.png as an image");
  }));

Deno.test("a last line that was cut off is left out, any other is not", () => {
  const line = '{"prompt": "a", "chosen": "b", "rejected": "c"}';
  assertEquals(parsePreferences(`${line}\n${line.slice(0, 20)}`, "f").length, 1);
  assertEquals(parsePreferences(`${line}\n${line}`, "f").length, 2);
  assertThrows(() => parsePreferences(`${line.slice(0, 20)}\n${line}`, "f"), ConfigError, "f line 1 is not JSON");
});
