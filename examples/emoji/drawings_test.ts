import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Drawings, loadDrawings, reduceCell } from "./drawings.ts";

function equalDrawings(a: Drawings, b: Drawings): void {
  assertEquals(a.records, b.records);
  for (const vendor of ["google", "twitter"] as const) {
    assert(a.pixels[vendor].every((byte, i) => byte === b.pixels[vendor][i]));
    assertEquals(a.pixels[vendor].length, b.pixels[vendor].length);
  }
}

Deno.test("reduceCell averages over white", () => {
  const sheet = new Uint8Array(66 * 66 * 4);
  // The cell's first 2x2 square: opaque red, half transparent red, two transparent ones of another colour.
  sheet.set([255, 0, 0, 255, 255, 0, 0, 51], (66 + 1) * 4);
  sheet.set([0, 0, 255, 0, 0, 0, 255, 0], (2 * 66 + 1) * 4);
  const out = new Uint8Array(3 * 32 * 32);
  reduceCell(sheet, 66, 1, 1, 32, out);
  assertEquals([out[0], out[1024], out[2048]], [
    255,
    Math.round((0 + 204 + 255 + 255) / 4),
    179,
  ]);
  assert(out.every((byte, i) => i % 1024 === 0 || byte === 255));
});

Deno.test("the cache gives what the packages give, and a stale or damaged one is made anew", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/deeper/drawings-16.bin`, cache = `${folder}/deeper`;
    const decoded = await loadDrawings(16, cache);
    const good = await Deno.readFile(path);
    equalDrawings(await loadDrawings(16, cache), decoded);

    for (
      const damage of [
        good.subarray(0, good.length - 5),
        good.map((b, i) => i === good.length - 9 ? b ^ 1 : b),
      ]
    ) {
      await Deno.writeFile(path, damage);
      equalDrawings(await loadDrawings(16, cache), decoded);
      assertEquals((await Deno.readFile(path)).length, good.length);
    }
    const stale = new TextDecoder("latin1").decode(good).replace(
      "google@16.0.0",
      "google@15.1.2",
    );
    await Deno.writeFile(path, Uint8Array.from(stale, (c) => c.charCodeAt(0)));
    equalDrawings(await loadDrawings(16, cache), decoded);
    assertEquals(await Deno.readFile(path), good);
    assertEquals([...Deno.readDirSync(cache)].length, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a cache folder that cannot be written is no error", async () => {
  const file = await Deno.makeTempFile();
  assertEquals(
    (await loadDrawings(8, `${file}/no/folder`)).records.length,
    1911,
  );
  await Deno.remove(file);
});

Deno.test("sizes other than 8, 16, 32 and 64 are refused", async () => {
  await assertRejects(() => loadDrawings(48), RangeError, "Emoji size is 48");
});
