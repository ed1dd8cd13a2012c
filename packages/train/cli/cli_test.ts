import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { main } from "../cli.ts";
import { CONFIGS } from "../testing/command.ts";
import { summaryTable } from "./summary_table.ts";

/** Runs a command line in this process and catches what it says. */
async function run(...args: string[]): Promise<{ code: number; said: string }> {
  const said: string[] = [];
  const { log, error } = console;
  console.log = console.error = (...parts: unknown[]) => void said.push(parts.join(" "));
  try {
    return { code: await main(args), said: said.join("\n") };
  } finally {
    Object.assign(console, { log, error });
  }
}

for (
  const [what, args, expected] of [
    [
      "no command",
      [],
      "There is no command, expected train, sample, embed, evaluate, compare, export, fetch or prefer",
    ],
    [
      "an unknown command",
      ["tune"],
      'Command is "tune", expected train, sample, embed, evaluate, compare, export, fetch or prefer',
    ],
    ["an unknown option", ["train", "--step", "3"], "Option --step is not known, expected one of --out, --steps"],
    ["a missing value", ["train", "--out"], "Option --out has no value"],
    ["a repeated option", ["train", "--seed", "1", "--seed", "2"], "Option --seed is given 2 times, expected once"],
    ["a wrong number", ["train", "--steps", "0"], "--steps is 0, expected an integer of at least 1"],
    ["two configurations", ["train", "a.json", "b.json"], "Configurations are a.json, b.json, expected one"],
    ["a missing configuration", ["train", "/none.json"], "Cannot read configuration /none.json: no such file"],
    [
      "a wrong assignment",
      ["train", `${CONFIGS}teacher.json`, "--set", "seed"],
      '--set is "seed", expected path=value',
    ],
    ["an unknown key", ["train", `${CONFIGS}teacher.json`, "--set", "sede=1"], "sede is not a known key"],
    ["a wrong value", ["train", `${CONFIGS}teacher.json`, "--set", "seed=x"], 'seed is "x", expected a number'],
    [
      "a data option that the module refuses",
      ["train", `${CONFIGS}teacher.json`, "--set", "data.fail=1"],
      "data is refused by",
    ],
    ["resuming nothing", ["train", `${CONFIGS}teacher.json`, "--resume", "--out", "/none"], "/none holds no run"],
    ["no checkpoint", ["sample", "--prompt", "red apple"], "Option --checkpoint is missing"],
    [
      "a model's option without one",
      ["sample", "--checkpoint", "a", "--t", "1"],
      "Option --t goes with --model, which",
    ],
    ["evaluating nothing", ["evaluate"], "Option --checkpoint is missing"],
    ["comparing nothing", ["compare"], "Option --objectives is missing, expected some of sds, vsd, ikl"],
    ["an unknown objective", ["compare", "--objectives", "ikl,kl"], '--objectives has "kl", expected some of sds'],
    ["two budgets", ["compare", "--objectives", "ikl", "--steps", "1", "--budget", "2"], "expected one of them"],
    ["comparing teachers", ["compare", `${CONFIGS}teacher.json`, "--objectives", "ikl"], 'stage is "teacher"'],
    [
      "a change for nobody",
      ["compare", "--objectives", "ikl", "--for", "sid:steps=1"],
      "sid is not among --objectives",
    ],
    ["an export to another format", ["export", "--checkpoint", "a", "--out", "b.pt"], "--out is b.pt, expected a name"],
    ["fetching nothing", ["fetch"], "Nothing is named, expected some of imagereward, hpsv2, hpsv2.1"],
    [
      "fetching something else",
      ["fetch", "gpt"],
      '"gpt" is no name of weights or prompts, expected one of imagereward',
    ],
    ["a hub without address", ["fetch", "hpsv2", "--endpoint", "hub"], "--endpoint is hub, expected an address"],
    ["nothing to choose from", ["prefer", "--prompts", "a"], "Option --checkpoint is missing"],
    ["nothing to draw", ["prefer", "--checkpoint", "a"], "Option --prompts is missing"],
    ["no prompt", ["sample", "--checkpoint", "a"], "Option --prompt is missing"],
  ] as const
) {
  Deno.test(`${what} ends with code 2 and a reason`, async () => {
    const { code, said } = await run(...args);
    assertStringIncludes(said, expected);
    assertEquals(code, 2);
  });
}

Deno.test("train --explain shows the plan of a step and trains nothing", async () => {
  const out = await Deno.makeTempDir();
  const { code, said } = await run("train", `${CONFIGS}teacher.json`, "--explain", "--out", out);
  assertEquals(code, 0, said);
  assertMatch(said, /^\d+ dispatches and \d+ copies: [\d.]+ [kMG] flop, /m);
  assertMatch(said, /^peak memory [\d.]+ [KM]iB: given /m);
  assertStringIncludes(said, "in place");
  assertEquals([...Deno.readDirSync(out)], []);
  await Deno.remove(out);
});

for (const command of ["", "train", "sample", "embed", "evaluate", "compare", "export", "fetch", "prefer"]) {
  const args = [command, "--help"].filter((arg) => arg !== "");
  Deno.test(`${args.join(" ")} explains itself`, async () => {
    const { code, said } = await run(...args);
    assertEquals(code, 0);
    assertStringIncludes(said, command || "train");
  });
}

Deno.test("a file that is no checkpoint fails with code 1", async () => {
  const { code, said } = await run("sample", "--checkpoint", `${CONFIGS}teacher.json`, "--prompt", "x");
  assertEquals(code, 1);
  assertStringIncludes(said, "teacher.json");
});

Deno.test("summaries are tables", () => {
  assertEquals(
    summaryTable({ before: { reward: 1, frechet: null }, after: { reward: 123.44, frechet: 1e-5 }, accuracy: 0.5 }),
    [
      "        reward  frechet",
      "before   1.000     null",
      "after    123.4  1.00e-5",
      "accuracy 0.500",
    ].join("\n"),
  );
});
