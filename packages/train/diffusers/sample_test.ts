import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DiffusersDirectory, LatentDiffusion } from "@dipp/scores";
import { readImage } from "../images.ts";
import { run } from "../testing/command.ts";
import { GENERATOR_KEY } from "./generator_index.ts";

const DATA = new URL("../../../testdata/diffusers/", import.meta.url).pathname;

async function sample(...args: string[]): Promise<{ code: number; said: string; png: Uint8Array }> {
  const out = await Deno.makeTempFile({ suffix: ".png" });
  const { code, said } = await run("sample", ...args, "--out", out);
  const png = await Deno.readFile(out);
  await Deno.remove(out);
  return { code, said, png };
}

for (const name of ["sd15", "pixart"]) {
  Deno.test(`sample --model draws from ${name}, the same for the same seed`, async () => {
    const args = ["--model", DATA + name, "--prompt", "a photo of a cat", "--steps", "2"];
    const { code, said, png } = await sample(...args, "--seed", "3");
    assertEquals(code, 0, said);
    assertStringIncludes(said, `(2 steps, guidance ${name === "sd15" ? 7.5 : 4.5})`);
    assertEquals((await sample(...args, "--seed", "3")).png, png);
    assert(png.toString() !== (await sample(...args, "--seed", "4")).png.toString());
    const euler = await sample(...args, "--seed", "3", "--sampler", "euler", "--negative", "dog");
    assert(png.toString() !== euler.png.toString());
  });
}

Deno.test("sample --model draws in one step from a directory that says so, as what it was saved from does", async () => {
  const path = await Deno.makeTempDir();
  const diffusion = await LatentDiffusion.describe(await DiffusersDirectory.open(`${DATA}pixart`));
  const index = { [GENERATOR_KEY]: { t: 440, input: "vp" } };
  await diffusion.save(path, await diffusion.loadParams(), { index });
  const prompts = ["--prompt", "cat", "--prompt", "a cat", "--count", "2"];
  const { said, png } = await sample("--model", path, ...prompts);
  assertStringIncludes(said, "(one step at timestep 440)");
  assertEquals((await sample("--model", `${DATA}pixart`, ...prompts, "--one-step")).png, png);
  const many = await sample("--model", path, "--prompt", "cat", "--steps", "2", "--one-step");
  assertStringIncludes(many.said, "--steps is for many steps, but one is asked for");
  await Deno.writeTextFile(
    `${path}/model_index.json`,
    JSON.stringify({ ...diffusion.directory.index, [GENERATOR_KEY]: 1 }),
  );
  const wrong = await sample("--model", path, "--prompt", "cat");
  assertStringIncludes(wrong.said, `has ${GENERATOR_KEY} 1, expected { "t": timestep`);
  await Deno.remove(path, { recursive: true });
});

Deno.test("sample --model writes pictures of the size that is asked for", async () => {
  const out = await Deno.makeTempFile({ suffix: ".png" });
  const size = ["--height", "8", "--width", "20", "--one-step", "--tile", "64"];
  await run("sample", "--model", `${DATA}pixart`, "--prompt", "cat", ...size, "--out", out);
  const { height, width } = await readImage(out);
  assertEquals([height, width], [8, 20]);
  await Deno.remove(out);
});

for (
  const [what, args, expected] of [
    ["no prompt", [], "Option --prompt is missing"],
    ["both kinds of model", ["--checkpoint", "a", "--prompt", "x"], "both given, expected one of them"],
    ["an unknown sampler", ["--prompt", "x", "--sampler", "heun"], "--sampler is heun, expected ddim, dpm-solver++ or"],
    ["a guidance that is none", ["--prompt", "x", "--guidance", "w"], "--guidance is w, expected a number"],
    ["a size that does not fit", ["--prompt", "x", "--height", "9"], "Image height is 9, expected a multiple of 4"],
    ["a timestep that is none", ["--prompt", "x", "--t", "1000"], "is 1000, expected at most 999"],
    ["too many steps", ["--prompt", "x", "--steps", "2000"], "must be an integer from 1 to 1000, got 2000"],
  ] as const
) {
  Deno.test(`sample --model refuses ${what}`, async () => {
    const { code, said } = await sample("--model", `${DATA}pixart`, ...args);
    assert(code !== 0);
    assertStringIncludes(said, expected);
  });
}
