import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DiffusersDirectory, PromptEncoder } from "@dipp/scores";
import { assertClose } from "@dipp/tensor/testing";
import { main } from "../cli.ts";
import { run } from "../testing/command.ts";
import { embedPrompts } from "./embed_prompts.ts";
import { EmbeddingFile } from "./embedding_file.ts";
import { EmbeddingReader } from "./embedding_reader.ts";
import { promptSource } from "./prompt_source.ts";
import { shuffled } from "./shuffle.ts";

const DATA = new URL("../../../testdata/diffusers/", import.meta.url).pathname;
const PROMPTS = ["a photo of a cat", "two dogs", "a red photo", "cat", "dog", "a cat of a cat", "photo"];

async function folderWithPrompts(): Promise<string> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/p.txt`, PROMPTS.join("\n"));
  return folder;
}

/** Embeds seven prompts, three at a time, and stops after some batches. */
async function embed(folder: string, out: string, batches = Infinity, model = "pixart"): Promise<string[]> {
  const said: string[] = [];
  let left = batches;
  await embedPrompts({
    source: promptSource(`${folder}/p.txt`),
    model: DATA + model,
    out: `${folder}/${out}`,
    batchSize: 3,
    dtype: "F16",
    weights: "f32",
    interrupt: {
      get requested() {
        return left-- <= 0;
      },
    },
    note: (text) => said.push(text),
    onBatch: (done) => said.push(`${done}`),
  });
  return said;
}

Deno.test("embeddings of an interrupted run are those of an uninterrupted one, byte for byte", async () => {
  const folder = await folderWithPrompts();
  assertEquals(await embed(folder, "whole.safetensors"), ["3", "6", "7"]);
  assertEquals(await embed(folder, "broken.safetensors", 1), ["3"]);
  assertEquals([...Deno.readDirSync(folder)].some(({ name }) => name === "broken.safetensors"), false);
  await assertRejects(
    () => embed(folder, "broken.safetensors", 1, "sd15"),
    Error,
    "is of other prompts, another model",
  );
  // What a crash leaves behind the last entry of the journal
  const part = await Deno.open(`${folder}/broken.safetensors.part`, { write: true });
  await part.seek(-20, Deno.SeekMode.End);
  await part.write(new Uint8Array(15).fill(7));
  part.close();
  assertEquals(await embed(folder, "broken.safetensors"), ["Going on after prompt 3 of 7", "6", "7"]);
  const [broken, whole] = await Promise.all(
    ["broken", "whole"].map((name) => Deno.readFile(`${folder}/${name}.safetensors`)),
  );
  assertEquals(broken, whole);
  assertEquals((await embed(folder, "whole.safetensors"))[0].endsWith("of the same prompts, model and settings"), true);
  assertEquals([...Deno.readDirSync(folder)].length, 3);
  await Deno.remove(folder, { recursive: true });
});

for (const model of ["sd15", "pixart"]) {
  Deno.test(`a training reads what the text encoder of ${model} gave`, async () => {
    const folder = await folderWithPrompts(), path = `${folder}/e.safetensors`;
    await embed(folder, "e.safetensors", Infinity, model);
    using encoder = await PromptEncoder.load(await DiffusersDirectory.open(DATA + model));
    using reader = await EmbeddingReader.open(path, { batchSize: 3, seed: 5 });
    const drawn: string[] = [];
    for (const step of [0, 1, 2]) {
      const { cond, prompts } = await reader.batch(step);
      assertEquals(prompts, reader.numbers(step).map((n) => PROMPTS[n]));
      drawn.push(...prompts);
      const expected = await encoder.encode(prompts);
      assertClose(await cond.embeds!.data(), await expected.embeds!.data(), 1e-3, "embeds");
      assertEquals(cond.mask && [...await cond.mask.data()], expected.mask && [...await expected.mask.data()]);
    }
    assertEquals(drawn.slice(0, 7).sort(), [...PROMPTS].sort());
    assertClose(await (await reader.null()).embeds!.data(), await (await encoder.null()).embeds!.data(), 1e-3, "null");
    using resumed = await EmbeddingReader.open(path, { batchSize: 3, seed: 5 });
    assertEquals((await resumed.batch(2)).prompts, drawn.slice(6));
    assertEquals((await reader.rows([6, 0])).prompts, ["photo", PROMPTS[0]]);
    await assertRejects(() => reader.rows([7]), RangeError, "Cannot read prompt 7 of");
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("what is no file of embeddings is refused, by the file and by the worker", async () => {
  const path = `${DATA}sd15/unet/diffusion_pytorch_model.safetensors`;
  await assertRejects(() => EmbeddingFile.open(path), TypeError, "its format is pt, expected dipp.embeddings");
  const open = (path: string) => EmbeddingReader.open(path, { batchSize: 1, seed: 0 });
  await assertRejects(() => open(path), TypeError, "is no file of embeddings");
  await assertRejects(() => open("/none.safetensors"), TypeError, "there is no such file");
});

Deno.test("shuffled() is a permutation, another for every seed and epoch", () => {
  for (const count of [1, 2, 7, 100, 1000]) {
    const order = (seed: number, epoch: number) =>
      Array.from({ length: count }, (_, i) => shuffled(count, seed, epoch)(i));
    const sorted = order(3, 0).toSorted((a, b) => a - b);
    assertEquals(sorted, Array.from({ length: count }, (_, i) => i));
    if (count >= 100) assertEquals(new Set([order(3, 0), order(3, 1), order(4, 0)].map(String)).size, 3);
  }
  // Neighbours part: the mean distance of a random order is a third of the count
  const at = shuffled(1000, 1);
  const jumps = Array.from({ length: 999 }, (_, i) => Math.abs(at(i + 1) - at(i)));
  assertClose([jumps.reduce((a, b) => a + b) / 999], [1000 / 3], 0.1, "mean jump");
});

for (
  const [what, args, expected] of [
    ["no prompts", ["--model", "m", "--out", "e.safetensors"], "Option --prompts is missing"],
    ["no directory", ["--prompts", "p.txt", "--out", "e.safetensors"], "Option --model is missing"],
    ["a wrong ending", ["--prompts", "p", "--model", "m", "--out", "e.bin"], "--out is e.bin, expected an ending of"],
    ["an unknown type", ["--prompts", "p", "--model", "m", "--out", "e.safetensors", "--dtype", "f8"], "--dtype is f8"],
    ["a single token", ["--prompts", "p", "--model", "m", "--out", "e.safetensors", "--length", "1"], "at least 2"],
  ] as const
) {
  Deno.test(`embed refuses ${what}`, async () => {
    const { code, said } = await run("embed", ...args);
    assertEquals(code, 2);
    assertStringIncludes(said, expected);
  });
}

Deno.test("embed writes a file that says what it holds, and no other over it", async () => {
  const folder = await folderWithPrompts();
  const args = ["embed", "--prompts", `${folder}/p.txt`, "--model", `${DATA}pixart`, "--batch", "3", "--length", "9"];
  const out = ["--out", `${folder}/e.safetensors`];
  assertEquals(await main([...args, ...out, "--dtype", "bf16"]), 0);
  using file = await EmbeddingFile.open(`${folder}/e.safetensors`);
  const { fingerprint: _, ...facts } = file.facts;
  assertEquals(facts, { count: 7, length: 9, width: 16, hasMask: true, pooled: undefined, dtype: "BF16" });
  const other = await run(...args, ...out);
  assertStringIncludes(other.said, "e.safetensors, which holds something else, expected a new file");
  await Deno.remove(folder, { recursive: true });
});
