import { assertEquals, assertStringIncludes } from "@std/assert";

/** Reads a command line in a process of its own, for it may end it. */
async function read(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const script = `import { readFlags } from ${JSON.stringify(new URL("flags.ts", import.meta.url).href)};
    const flags = { string: ["steps", "set"], collect: ["set"], boolean: ["json"] };
    console.log(JSON.stringify(readFlags(Deno.args, "Usage: it", flags, 1)));`;
  const config = new URL("../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--config", config, "-", ...args],
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  await new Blob([script]).stream().pipeTo(child.stdin);
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

Deno.test("readFlags() reads what there is", async () => {
  const { code, out } = await read("--steps", "3", "--set=a=1", "--set", "b=2", "--json", "file");
  assertEquals(code, 0);
  assertEquals(JSON.parse(out), { _: ["file"], steps: "3", set: ["a=1", "b=2"], json: true, help: false });
});

Deno.test("readFlags() explains itself, and refuses what it does not know", async () => {
  const [help, ...refused] = await Promise.all([read("--help"), read("--foo"), read("--steps="), read("a", "b")]);
  assertEquals([help.code, help.out], [0, "Usage: it\n"]);
  const problems = ["Option --foo is not known", "Option --steps has no value", 'Argument "b" is one too many'];
  for (const [i, { code, error }] of refused.entries()) {
    assertEquals(code, 2);
    assertStringIncludes(error, `${problems[i]}\n\nUsage: it`);
  }
});
