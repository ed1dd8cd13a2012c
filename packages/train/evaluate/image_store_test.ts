import { assertEquals, assertRejects } from "@std/assert";
import { readImage } from "../images.ts";
import { ConfigError } from "../config/config_error.ts";
import { evaluationItems } from "./evaluation_items.ts";
import { type DrawingRecord, drawMissing, drawnImages, foundImages } from "./image_store.ts";
import type { ImageSource, SubjectFacts } from "./image_source.ts";
import { promptSet } from "./prompt_set.ts";

const facts: SubjectFacts = { kind: "model", path: "m", sha256: "0", variant: "v", dtype: "f32", sampling: "s" };
const items = evaluationItems(promptSet("five", ["a", "b", "c", "d", "e"]), 1);
const record: DrawingRecord = {
  subject: facts,
  seed: 3,
  prompts: { name: "five", sha256: "1", count: 5 },
  copies: 1,
};

/** Draws a grey that is the item's, and may give out. */
function greys(drawn: string[], most = Infinity): ImageSource {
  return {
    facts,
    batchSize: 2,
    draw(batch, seed) {
      if (drawn.length >= most) return Promise.reject(new Error("power cut"));
      drawn.push(...batch.map(({ prompt }) => prompt));
      const data = new Float32Array(
        batch.flatMap(({ index }) => new Array<number>(12).fill((10 * index + seed) / 255)),
      );
      return Promise.resolve({ data, shape: [batch.length, 3, 2, 2] });
    },
  };
}

Deno.test("drawing goes on where it was cut off, with the same images", async () => {
  const out = await Deno.makeTempDir();
  try {
    const before: string[] = [], after: string[] = [];
    await assertRejects(() => drawMissing(greys(before, 2), items, record, out), Error, "power cut");
    assertEquals(before, ["a", "b"]);
    const first = await Deno.readFile(`${out}/images/000001.png`);
    const { files, found } = await drawMissing(greys(after), items, record, out);
    assertEquals([found, after], [2, ["c", "d", "e"]]);
    assertEquals(await Deno.readFile(files[1]), first);
    await Deno.remove(files[3]);
    await drawMissing(greys(after), items, record, out);
    assertEquals(after.at(-1), "d");
    const images = await Promise.all(files.map((file) => readImage(file)));
    assertEquals(images.map(({ rgb }) => rgb[0]), [3, 13, 23, 33, 43]);
    const { record: read } = await drawnImages(out, items);
    assertEquals(read, record);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});

Deno.test("a directory of other images is refused", async () => {
  const out = await Deno.makeTempDir();
  try {
    await drawMissing(greys([]), items, record, out);
    await assertRejects(
      () => drawMissing(greys([]), items, { ...record, seed: 4 }, out),
      ConfigError,
      "holds other images: seed was 3 and is 4",
    );
    await assertRejects(() => foundImages(`${out}/images`, items.slice(1)), ConfigError, "holds 5 images, expected 4");
    await assertRejects(() => foundImages(`${out}/none`, items), ConfigError, "no such directory");
    await assertRejects(() => drawnImages(`${out}/images`, items), ConfigError, "holds no drawing.json");
    await Deno.remove(`${out}/images/000004.png`);
    await assertRejects(() => drawnImages(out, items), ConfigError, "is not complete: there is no");
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});
