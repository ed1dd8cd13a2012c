import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConfigError } from "../config/config_error.ts";
import { promptSource, readPrompts } from "./prompt_source.ts";

const PARQUET = new URL("../../../testdata/prompts/prompts.parquet", import.meta.url).pathname;
const PROMPTS = ["a photo of a cat", "two dogs", "naïve café", "a red photo", "東京"];

async function read(name: string, content: string | Uint8Array, field?: string): Promise<string[]> {
  const folder = await Deno.makeTempDir(), path = `${folder}/${name}`;
  await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  try {
    return await Array.fromAsync(readPrompts(promptSource(path, field)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("prompts come out of text, JSONL and Parquet", async () => {
  const text = PROMPTS.map((prompt, i) => ` ${prompt}${i % 2 ? "\r" : ""}\n${i === 2 ? "\n \n" : ""}`).join("");
  assertEquals(await read("a.txt", text), PROMPTS);
  assertEquals(await read("a.txt", text.slice(0, -1)), PROMPTS);
  const objects = PROMPTS.map((caption, id) => JSON.stringify(id === 1 ? caption : { id, caption })).join("\n");
  assertEquals(await read("a.jsonl", objects), PROMPTS);
  const nested = PROMPTS.map((en) => JSON.stringify({ en, prompt: "x" })).join("\n");
  assertEquals(await read("a.ndjson", nested, "en"), PROMPTS);
  assertEquals(await Array.fromAsync(readPrompts(promptSource(PARQUET))), PROMPTS);
});

Deno.test("a long file is read by parts, characters whole", async () => {
  const long = Array.from({ length: 30_000 }, (_, i) => `東京の写真 ${i}`.repeat(3));
  assertEquals(await read("a.txt", long.join("\n")), long);
});

Deno.test("files that are not what they should be are refused with the place", async () => {
  const refused = (promise: Promise<unknown>, message: string) => assertRejects(() => promise, ConfigError, message);
  await refused(
    Array.fromAsync(readPrompts(promptSource("/none.txt"))),
    "Cannot read /none.txt: there is no such file",
  );
  await refused(read("a.jsonl", '{"prompt": "x"}\n{'), "Line 2 of");
  await refused(read("a.jsonl", '{"promt": "x"}'), "has the prompt missing, expected a text");
  await refused(read("a.jsonl", '{"prompt": 3}'), "has the prompt 3, expected a text");
  await refused(read("a.txt", Uint8Array.of(0x61, 0xff, 0x0a)), "is not UTF-8 text");
  await refused(read("a.txt", "x".repeat(100_001)), "Line 1 of");
  await refused(read("a.parquet", "PAR1 nothing PAR1"), "as Parquet: ");
  await refused(Array.fromAsync(readPrompts(promptSource(PARQUET, "en"))), "has the columns id, prompt, expected en");
  await refused(Array.fromAsync(readPrompts(promptSource(PARQUET, "id"))), "has the id 1, expected a text");
  assertThrows(() => promptSource("a.txt", "en"), ConfigError, "--field is en, but a.txt is text");
});
