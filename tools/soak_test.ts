import { assertEquals, assertMatch } from "@std/assert";

const SOAK = new URL("soak.ts", import.meta.url).pathname;

async function soak(flags: string[], ...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", "--allow-env", "--allow-ffi", ...flags, SOAK, ...args],
  }).output();
  return { code, text: [stdout, stderr].map((b) => new TextDecoder().decode(b)).join("") };
}

Deno.test("a short soak is flat, whether or not the collector can be called", async () => {
  for (const flags of [[], ["--v8-flags=--expose-gc"]]) {
    const { code, text } = await soak(flags, "--steps", "200");
    assertEquals(code, 0, text);
    assertMatch(text, /compiled +200 .* buffers[^]*eager +200 .*[^]*Memory is flat/);
  }
});

Deno.test("the soak refuses steps that are no number", async () => {
  const { code, text } = await soak([], "--steps", "many");
  assertEquals(code, 1);
  assertMatch(text, /--steps is many, expected a positive number/);
});
