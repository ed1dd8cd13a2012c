import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { parameterCount } from "@dipp/nn";
import { key } from "@dipp/tensor";
import { architecture, ARCHITECTURE_NAMES } from "./architectures.ts";
import { LatentDiffusion } from "./latent_diffusion.ts";

Deno.test("architectures have the released numbers of parameters, sizes and generator timesteps", async () => {
  const facts: Record<string, unknown> = {};
  for (const name of ARCHITECTURE_NAMES) {
    const { network, vae, imageSize, scheduler } = await LatentDiffusion.describe(architecture(name));
    const counts = [network.init(key(0)), vae.init(key(0))].map(parameterCount);
    facts[name] = [...counts, imageSize.height, scheduler.schedule.timeOfRatio(2.5)];
  }
  assertEquals(facts, {
    "stable-diffusion-v1-5": [859_520_964, 83_653_863, 512, 625],
    "stable-diffusion-2-1": [865_910_724, 83_653_863, 768, 625],
    "stable-diffusion-xl-base-1.0": [2_567_463_684, 83_653_863, 1024, 625],
    "pixart-alpha-512": [610_856_096, 83_653_863, 512, 440],
    "pixart-alpha-1024": [611_349_152, 83_653_863, 1024, 440],
  });
});

Deno.test("an architecture has no weights, and an unknown one is refused", async () => {
  await assertRejects(() => architecture("pixart-alpha-512").load("transformer"), TypeError, "pixart-alpha-512");
  assertThrows(() => architecture("sd9"), RangeError, 'There is no architecture "sd9", expected stable-diffusion-v1-5');
});
