import { assertEquals, assertRejects } from "@std/assert";
import { ConfigError } from "../config/config_error.ts";
import { evaluationItems } from "./evaluation_items.ts";
import { promptSet, readPromptSet } from "./prompt_set.ts";

async function inFolder(files: Record<string, string>, body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("prompts are read from text, TSV and JSON", () =>
  inFolder({
    "a.txt": "red apple\r\n\n  a cat \n",
    "b.tsv": "Prompt\tCategory\nred apple\tFood\na cat\tAnimals\n",
    "c.json": '["red apple", "a cat"]',
    "d.json": '[{"id": 1, "prompt": "red apple"}, {"id": 2, "prompt": "a cat"}]',
  }, async (folder) => {
    const sets = await Promise.all(["b.tsv", "c.json", "d.json"].map((name) => readPromptSet(`${folder}/${name}`)));
    for (const { prompts } of sets) assertEquals(prompts, ["red apple", "a cat"]);
    assertEquals(new Set(sets.map(({ sha256 }) => sha256)).size, 1);
    assertEquals((await readPromptSet(`${folder}/a.txt`)).prompts, ["red apple", "  a cat "]);
  }));

Deno.test("the sets by name: HPSv2 has styles, COCO one caption an image, whatever the file's order", () =>
  inFolder({
    "hpsv2/anime.json": '["a1", "a2"]',
    "hpsv2/concept-art.json": '["c1"]',
    "hpsv2/paintings.json": '["p1"]',
    "hpsv2/photo.json": '["f1"]',
    "partiprompts/PartiPrompts.tsv": "Prompt\tCategory\tChallenge\tNote\nbond\tAbstract\tBasic\t\n",
    "coco-2017-val/captions_val2017.json": JSON.stringify({
      annotations: [
        { image_id: 9, id: 3, caption: "later" },
        { image_id: 7, id: 5, caption: "second" },
        { image_id: 7, id: 4, caption: "first\n" },
      ],
    }),
  }, async (cache) => {
    const { prompts, styles } = await readPromptSet("hpsv2", cache);
    assertEquals(prompts, ["a1", "a2", "c1", "p1", "f1"]);
    assertEquals(styles, ["anime", "anime", "concept-art", "paintings", "photo"]);
    assertEquals(await readPromptSet("hpsv2-photo", cache).then((set) => set.prompts), ["f1"]);
    assertEquals(await readPromptSet("partiprompts", cache).then((set) => set.prompts), ["bond"]);
    assertEquals(await readPromptSet("coco-2017-val", cache).then((set) => set.prompts), ["first", "later"]);
  }));

Deno.test("what is missing or malformed is named", () =>
  inFolder({
    "none.txt": "\n",
    "number.json": "[1]",
    "columns.tsv": "Text\nx\n",
    "broken.json": "[",
    "object.json": "{}",
  }, async (folder) => {
    for (
      const [name, message] of [
        ["none.txt", "is empty, expected at least one prompt"],
        ["number.json", "has 1 at 0, expected a text or an object with a prompt"],
        ["columns.tsv", 'has the columns "Text", expected one "Prompt"'],
        ["broken.json", "is not JSON"],
        ["object.json", "holds no array"],
        ["missing.txt", "no such file, expected a file or one of hpsv2, "],
      ]
    ) await assertRejects(() => readPromptSet(`${folder}/${name}`), ConfigError, message);
    await assertRejects(
      () => readPromptSet("coco-2017-val", folder),
      ConfigError,
      `there is no ${folder}/coco-2017-val/captions_val2017.json`,
    );
  }));

Deno.test("a prompt's seeds depend on the prompt alone", () => {
  const small = evaluationItems(promptSet("small", ["a cat"]), 2);
  const large = evaluationItems(promptSet("large", ["red apple", "a cat", "a cat"]), 1);
  assertEquals(large.slice(1).map(({ stream }) => stream), small.map(({ stream }) => stream));
  assertEquals(new Set(large.map(({ stream }) => stream)).size, 3);
});
