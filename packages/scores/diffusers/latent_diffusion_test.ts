import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { key, randn, zeros } from "@dipp/tensor";
import { expandCond } from "../cond.ts";
import { guided } from "../guidance.ts";
import { OneStepGenerator } from "../one_step_generator.ts";
import { writeTinyDiffusers } from "../testing/tiny_diffusers.ts";
import { DiffusersDirectory } from "./directory.ts";
import { LatentDiffusion } from "./latent_diffusion.ts";
import { PromptEncoder } from "./prompt_encoder.ts";

const DATA = new URL("../../../testdata/diffusers/", import.meta.url).pathname;

/** A picture of a directory, in one step at sigma 2.5, in [0, 1]. */
async function draw(path: string): Promise<{ data: Float32Array; t: number }> {
  const directory = await DiffusersDirectory.open(path);
  const diffusion = await LatentDiffusion.describe(directory);
  using encoder = await PromptEncoder.load(directory);
  const cond = { ...await encoder.encode(["a photo of a cat"]), ...diffusion.sizeCond() };
  const generator = new OneStepGenerator(diffusion.scoreModel(await diffusion.loadParams()), { sigmaInit: 2.5 });
  using decoder = await diffusion.loadDecoder();
  const latents = generator.generate(randn(key(3), diffusion.latentShape(1)), cond);
  return { data: await decoder.decode(latents).data() as Float32Array, t: generator.t };
}

for (const [name, t] of [["sd15", 625], ["pixart", 440]] as const) {
  Deno.test(`a directory like ${name} draws, and draws the same after it was saved`, async () => {
    const path = await Deno.makeTempDir();
    const diffusion = await LatentDiffusion.describe(await DiffusersDirectory.open(`${DATA}${name}`));
    await diffusion.save(`${path}/saved`, await diffusion.loadParams(), { maxShardBytes: 40_000, index: { _x: 1 } });
    const before = await draw(`${DATA}${name}`), after = await draw(`${path}/saved`);
    assertEquals(before.t, t);
    assertEquals(after, before);
    assertEquals(before.data.every(Number.isFinite) && new Set(before.data).size > 100, true);
    const { directory } = diffusion, saved = await DiffusersDirectory.open(`${path}/saved`);
    assertEquals(saved.index, { ...directory.index, _x: 1 });
    await assertRejects(
      async () => diffusion.save(directory.path, await diffusion.loadParams()),
      TypeError,
      "copied from",
    );
    await Deno.remove(path, { recursive: true });
  });
}

Deno.test("a network like SDXL's is told the size of the image, with guidance too", async () => {
  const path = await Deno.makeTempDir();
  await writeTinyDiffusers("sdxl", path);
  const diffusion = await LatentDiffusion.describe(await DiffusersDirectory.open(path));
  const size = diffusion.sizeCond({ height: 16, width: 24 });
  assertEquals([...await size.timeIds!.data()], [16, 24, 0, 0, 16, 24]);
  const cond = { embeds: zeros([1, 77, 32]), textEmbeds: zeros([1, 12]), ...size };
  const model = guided(diffusion.scoreModel(await diffusion.loadParams()), 5, cond);
  const shape = diffusion.latentShape(2, { height: 16, width: 24 });
  assertEquals(model.predict(zeros(shape), zeros([2]), expandCond(cond, 2)).eps.shape, shape);
  await Deno.remove(path, { recursive: true });
});

Deno.test("sizes and components that do not fit are refused", async () => {
  const pixart = await LatentDiffusion.describe(await DiffusersDirectory.open(`${DATA}pixart`));
  assertEquals(pixart.latentShape(3, { height: 8, width: 20 }), [3, 4, 4, 10]);
  assertThrows(() => pixart.latentShape(1, { height: 16, width: 18 }), RangeError, "Image width is 18, expected a mul");
  const path = await Deno.makeTempDir();
  await Deno.mkdir(`${path}/unet`);
  await Deno.copyFile(`${DATA}sd15/vae/config.json`, `${path}/unet/config.json`);
  await Deno.writeTextFile(`${path}/model_index.json`, '{ "unet": ["diffusers", "UNet2DConditionModel"] }');
  const directory = await DiffusersDirectory.open(path);
  await assertRejects(
    () => LatentDiffusion.describe(directory),
    TypeError,
    "unet is a AutoencoderKL, expected a text-c",
  );
  await Deno.remove(path, { recursive: true });
});
