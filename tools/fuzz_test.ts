import { assert, assertEquals } from "@std/assert";
import { corpus } from "./fuzz/corpus.ts";
import { runCase } from "./fuzz/run_case.ts";

Deno.test("two thousand broken checkpoints load or are refused with a reason", async () => {
  const seeds = corpus();
  const counts = { loads: 0, refused: 0, fails: 0 };
  const messages = new Set<string>();
  for (let index = 0; index < 2000; index++) {
    const { kind, message } = await runCase(seeds, 1, index);
    assert(kind !== "fails", `case ${index}: ${message}`);
    counts[kind]++;
    // What is wrong, without where: how many different checks are reached
    messages.add(message.replace(/"[^"]*"|\d+|\[.*?\]/g, "_"));
  }
  // Mutations that broke everything alike would prove nothing
  assert(counts.loads > 100 && counts.refused > 500, JSON.stringify(counts));
  assert(messages.size > 40, `${messages.size} different reasons`);
});

Deno.test("the fuzz command says what it did and repeats a case", async () => {
  const fuzz = async (...args: string[]) => {
    const tool = new URL("fuzz.ts", import.meta.url).pathname;
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-read", "--allow-env", tool, ...args],
    }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  };
  const run = await fuzz("--cases", "50", "--seed", "7");
  assertEquals(run.code, 0);
  assert(/^50 cases of seed 7 in .* 0 fail/.test(run.text), run.text);
  const one = await fuzz("--case", "3", "--seed", "7");
  assert(/^case 3 of seed 7 (loads|refused)/.test(one.text), one.text);
});
