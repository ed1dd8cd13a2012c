import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import sharp from "sharp";
import { encodePng, readImage, type RgbImage, toPlanar, writePng } from "./images.ts";

/** A picture in which every byte value occurs. */
function ramp(width: number, height: number): RgbImage {
  return {
    width,
    height,
    rgb: Uint8Array.from(
      { length: width * height * 3 },
      (_, i) => (i * 7) % 256,
    ),
  };
}

Deno.test("a PNG file gives back the bytes that were written", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const image = ramp(31, 17), path = `${folder}/made/on/the/way.png`;
    await writePng(path, image);
    assertEquals(await readImage(path), image);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("encodePng writes the size that the header of the PNG specification holds", async () => {
  const png = await encodePng(ramp(300, 2));
  const view = new DataView(png.buffer, png.byteOffset);
  assertEquals(view.getUint32(0), 0x89504e47);
  assertEquals([view.getUint32(16), view.getUint32(20)], [300, 2]);
});

Deno.test("readImage lays transparent pixels over the background", async () => {
  const rgba = new Uint8Array([200, 0, 0, 255, 200, 0, 0, 0]);
  const png = await sharp(rgba, { raw: { width: 2, height: 1, channels: 4 } })
    .png().toBuffer();
  assertEquals(
    (await readImage(png)).rgb,
    new Uint8Array([200, 0, 0, 255, 255, 255]),
  );
  assertEquals(
    (await readImage(png, { background: [0, 9, 0] })).rgb,
    new Uint8Array([200, 0, 0, 0, 9, 0]),
  );
});

Deno.test("readImage turns grey pictures into RGB and scales with antialiasing", async () => {
  const grey = Uint8Array.from(
    { length: 64 * 64 },
    (_, i) => (i + (i >> 6)) % 2 === 0 ? 0 : 255,
  );
  const png = await sharp(grey, { raw: { width: 64, height: 64, channels: 1 } })
    .png().toBuffer();
  const image = await readImage(png, { width: 8, height: 4 });
  assertEquals([image.width, image.height, image.rgb.length], [8, 4, 96]);
  for (const byte of image.rgb) assertAlmostEquals(byte, 127.5, 3);
  const kept = await readImage(png, { width: 8 });
  assertEquals([kept.width, kept.height], [8, 8]);
});

Deno.test("toPlanar separates the channels", () => {
  const planar = toPlanar({
    width: 2,
    height: 1,
    rgb: new Uint8Array([255, 0, 51, 0, 102, 0]),
  });
  assertEquals(planar, new Float32Array([1, 0, 0, 0.4, 0.2, 0]));
});

Deno.test("what is no image is refused with its name", async () => {
  await assertRejects(
    () => readImage(new TextEncoder().encode("no image")),
    TypeError,
    "8 bytes as an image",
  );
  assertThrows(
    () => toPlanar({ width: 2, height: 2, rgb: new Uint8Array(3) }),
    RangeError,
    "expected 12",
  );
});
