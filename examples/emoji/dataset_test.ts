import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type EmojiDataset, loadEmoji } from "./dataset.ts";
import type { Vendor } from "./drawings.ts";
import { PRESETS } from "./presets.ts";
import { words } from "./vocabulary.ts";

/** Mean colour of a drawing where it is not white, in [0, 1]. */
function meanColour(
  data: EmojiDataset,
  name: string,
  vendor: Vendor,
): [number, number, number] {
  const { data: x } = data.images(vendor, [data.indexOf(name)]);
  const plane = data.size ** 2, sum = [0, 0, 0];
  let count = 0;
  for (let i = 0; i < plane; i++) {
    if (x[i] > 0.97 && x[plane + i] > 0.97 && x[2 * plane + i] > 0.97) continue;
    for (let c = 0; c < 3; c++) sum[c] += x[c * plane + i];
    count++;
  }
  return [sum[0] / count, sum[1] / count, sum[2] / count];
}

Deno.test("all 1,911 names are there, unique also as words", async () => {
  const data = await loadEmoji();
  assertEquals(data.emoji.length, 1911);
  assertEquals(new Set(data.names).size, 1911);
  assertEquals(
    new Set(data.names.map((name) => words(name).join(" "))).size,
    1911,
  );
  assertEquals([data.vocabulary.size, data.vocabulary.maxLength], [1793, 11]);
  assertEquals(data.train.length + data.heldOut.length, 1911);
  assertEquals(data.heldOut.length, 191);
});

Deno.test("drawings show what their names say, by both vendors", async () => {
  const data = await loadEmoji({ preset: "core" });
  for (const vendor of ["google", "twitter"] as const) {
    const [r, g, b] = meanColour(data, "red apple", vendor);
    assert(
      r > 0.6 && r > 1.8 * g && r > 1.8 * b,
      `red apple by ${vendor}: ${[r, g, b]}`,
    );
    const green = meanColour(data, "green apple", vendor);
    assert(
      green[1] > green[0] && green[1] > 1.8 * green[2],
      `green apple by ${vendor}: ${green}`,
    );
    const blue = meanColour(data, "blue heart", vendor);
    assert(
      blue[2] > 1.3 * blue[1] && blue[2] > 2 * blue[0],
      `blue heart by ${vendor}: ${blue}`,
    );
    const face = meanColour(data, "grinning face", vendor);
    assert(
      face[0] > 0.8 && face[1] > 0.6 && face[2] < 0.5,
      `grinning face by ${vendor}: ${face}`,
    );
  }
});

Deno.test("Twemoji's large blue square is its flat blue to the last bit", async () => {
  const data = await loadEmoji({ names: ["large blue square"] });
  const { data: x } = data.images("twitter");
  const centre = 16 * 32 + 16;
  // #55ACEE, the blue of Twemoji's palette.
  [0x55, 0xac, 0xee].forEach((byte, c) => assertAlmostEquals(x[c * 1024 + centre], byte / 255, 1e-7));
});

Deno.test("images are [N, 3, H, W] in [0, 1] on white, and mirroring reverses rows", async () => {
  const data = await loadEmoji({ preset: "small", size: 16 });
  const batch = data.images("google", [3, 50]);
  assertEquals(batch.shape, [2, 3, 16, 16]);
  assert(batch.data.every((v) => v >= 0 && v <= 1));
  const mirrored = new Float32Array(data.imageLength + 5);
  data.copyImage(mirrored, 5, 50, "google", true);
  const plain = batch.data.subarray(data.imageLength);
  for (let y = 0; y < 48; y++) {
    for (let x = 0; x < 16; x++) {
      assertEquals(mirrored[5 + y * 16 + x], plain[y * 16 + 15 - x]);
    }
  }
});

Deno.test("presets name emoji that exist, and small is a part of core", async () => {
  const full = await loadEmoji();
  for (const preset of Object.values(PRESETS)) {
    for (const name of preset.names ?? []) assert(full.indexOf(name) >= 0);
    for (const sub of preset.subcategories ?? []) {
      assert(full.emoji.some((e) => e.subcategory === sub), sub);
    }
  }
  const core = await loadEmoji({ preset: "core" }),
    small = await loadEmoji({ preset: "small" });
  assertEquals([small.emoji.length, core.emoji.length], [149, 312]);
  const names = new Set(core.names);
  assert(small.names.every((name) => names.has(name)));
});

Deno.test("filters add up, and what does not exist is refused by name", async () => {
  const fruit = await loadEmoji({
    preset: "small",
    categories: ["Food & Drink"],
  });
  assertEquals(
    new Set(fruit.emoji.map((e) => e.subcategory)),
    new Set(["food-fruit"]),
  );
  assertEquals((await loadEmoji({ names: ["red apple"] })).names, [
    "red apple",
  ]);
  await assertRejects(
    () => loadEmoji({ names: ["read apple"] }),
    RangeError,
    'Emoji name is "read apple"',
  );
  await assertRejects(
    () => loadEmoji({ categories: ["Food"] }),
    RangeError,
    'Emoji category is "Food", expected Activities',
  );
  await assertRejects(
    () => loadEmoji({ names: ["red apple"], categories: ["Flags"] }),
    RangeError,
    "leave no name",
  );
  await assertRejects(
    () => loadEmoji({ heldOut: 1 }),
    RangeError,
    "heldOut is 1",
  );
  assertThrows(() => fruit.indexOf("car"), RangeError, '"car"');
});
