import { assert, assertEquals, assertMatch } from "@std/assert";

async function profile(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const script = new URL("profile.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", "--allow-env", "--allow-ffi", script, ...args],
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

const CONFIG = new URL("../packages/train/testing/teacher.json", import.meta.url).pathname;

Deno.test("profile prints the costliest kernels of a configuration's step as JSON", async () => {
  const { code, out, err } = await profile(CONFIG, "--steps", "1", "--top", "3", "--json");
  assertEquals(code, 0, err);
  const { kernels, seconds, stepSeconds } = JSON.parse(out);
  assertEquals(kernels.length, 3);
  assert(seconds > kernels[0].seconds && stepSeconds > 0);
});

Deno.test("profile says what it lacks and what it cannot use", async () => {
  assertMatch((await profile()).err, /There is no configuration[^]*Usage: deno task profile/);
  assertMatch((await profile(CONFIG, "--top", "none")).err, /--top is none, expected a whole number, 1 or more/);
});
