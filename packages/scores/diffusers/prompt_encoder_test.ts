import { assertEquals, assertRejects } from "@std/assert";
import { init, tensor } from "@dipp/tensor";
import type { Params } from "@dipp/nn";
import { assertClose } from "@dipp/tensor/testing";
import type { CLIPTextModel } from "../text/clip_text.ts";
import { DiffusersDirectory } from "./directory.ts";
import { PromptEncoder } from "./prompt_encoder.ts";
import { writeTinyDiffusers } from "../testing/tiny_diffusers.ts";

const DATA = new URL("../../../testdata/diffusers/", import.meta.url).pathname;
const PROMPTS = ["a photo of a cat", ""];

Deno.test("PromptEncoder gives CLIP's last state, in f32 whatever the weights are stored in", async () => {
  const directory = await DiffusersDirectory.open(`${DATA}sd15`);
  using encoder = await PromptEncoder.load(directory);
  const { embeds, mask } = await encoder.encode(PROMPTS);
  assertEquals([embeds!.shape, mask], [[2, 77, 16], undefined]);
  const { network, params } = await directory.load("text_encoder");
  const { ids } = (await directory.tokenizer()).encode(PROMPTS);
  const clip = network as CLIPTextModel;
  const { lastHiddenState } = clip.apply(params as Parameters<typeof clip.apply>[0], {
    inputIds: tensor(ids, [2, 77]),
  });
  assertEquals(await embeds!.data(), await lastHiddenState.data());
  using half = await PromptEncoder.load(directory, { dtype: "f16" });
  assertEquals(await (await half.encode(PROMPTS)).embeds!.data(), await embeds!.data());
  assertClose(await (await encoder.null()).embeds!.data(), (await embeds!.data()).slice(77 * 16), 1e-5, "null");
});

Deno.test("PromptEncoder gives T5's last state with its mask", async () => {
  using encoder = await PromptEncoder.load(await DiffusersDirectory.open(`${DATA}pixart`), { length: 10 });
  const { embeds, mask } = await encoder.encode(["a photo of cats", "cat"]);
  assertEquals(embeds!.shape, [2, 10, 16]);
  assertEquals([...await mask!.data()], [...[1, 1, 1, 1, 1, 1, 0, 0, 0, 0], ...[1, 1, 0, 0, 0, 0, 0, 0, 0, 0]]);
});

Deno.test("PromptEncoder gives SDXL's two encoders side by side, and zeros for no prompt", async () => {
  const path = await Deno.makeTempDir();
  await writeTinyDiffusers("sdxl", path);
  const directory = await DiffusersDirectory.open(path);
  using encoder = await PromptEncoder.load(directory);
  const { embeds, textEmbeds } = await encoder.encode(PROMPTS);
  assertEquals([embeds!.shape, textEmbeds!.shape], [[2, 77, 32], [2, 12]]);
  const halves = await Promise.all(["", "_2"].map(async (suffix, i) => {
    const { network, params } = await directory.load(`text_encoder${suffix}`);
    const { ids } = (await directory.tokenizer(`tokenizer${suffix}`)).encode(PROMPTS);
    const text = network as unknown as { apply(p: Params, inputs: object): ReturnType<CLIPTextModel["apply"]> };
    const { hiddenStates } = text.apply(params, { inputIds: tensor(ids, [2, 77]) });
    const part = embeds!.slice([null, null, [16 * i, 16 * i + 16]]);
    return [await part.data(), await hiddenStates.at(-2)!.data()];
  }));
  for (const [part, expected] of halves) assertEquals(part, expected);
  const none = await encoder.null();
  assertEquals([none.embeds!.shape, await none.embeds!.abs().max().item()], [[1, 77, 32], 0]);
  await Deno.remove(path, { recursive: true });
});

Deno.test("PromptEncoder frees its weights", async () => {
  const device = await init();
  const directory = await DiffusersDirectory.open(`${DATA}pixart`);
  const before = device.stats().tensors;
  {
    using _ = await PromptEncoder.load(directory);
  }
  assertEquals(device.stats().tensors, before);
  await assertRejects(
    () =>
      PromptEncoder.load({ ...directory, components: new Map(), describe: () => directory.describe("vae") } as never),
    TypeError,
    "is a AutoencoderKL, expected a text encoder",
  );
});
