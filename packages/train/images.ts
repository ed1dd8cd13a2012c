/**
 * Image files and sample grids. Decoding and encoding go through sharp (libvips); everything else is arithmetic on
 * bytes, so grids are the same on every machine.
 *
 * @module
 */
import sharp from "sharp";

/** An 8-bit RGB picture: `rgb[(y * width + x) * 3 + channel]`. */
export interface RgbImage {
  /** Columns, in pixels. */
  width: number;
  /** Rows, in pixels. */
  height: number;
  /** Interleaved bytes, `height * width * 3` of them. */
  rgb: Uint8Array;
}

/** Options of {@link readImage}. */
export interface ReadImageOptions {
  /** Scale to this width (antialiased, Lanczos 3); with only one of the two given, the aspect ratio is kept. */
  width?: number;
  /** Scale to this height. */
  height?: number;
  /** Where both are given and the aspect ratio is another: stretch (unless told), or "cover", the centre's largest part. */
  fit?: "fill" | "cover";
  /** What lies under transparent pixels; white unless told. */
  background?: readonly [number, number, number];
}

function checkImage(image: RgbImage): void {
  const { width, height, rgb } = image;
  if (
    !Number.isInteger(width) || !Number.isInteger(height) || width < 1 ||
    height < 1
  ) {
    throw new RangeError(
      `Image size is ${width}x${height}, expected positive integers`,
    );
  }
  if (rgb.length !== width * height * 3) {
    throw new RangeError(
      `Image of ${width}x${height} has ${rgb.length} bytes, expected ${width * height * 3}`,
    );
  }
}

/**
 * Encodes a picture as PNG bytes (lossless, no metadata).
 *
 * @throws {RangeError} If the bytes do not fit the size.
 */
export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  checkImage(image);
  const { width, height, rgb } = image;
  const png = await sharp(rgb, { raw: { width, height, channels: 3 } }).png({
    compressionLevel: 9,
  }).toBuffer();
  return new Uint8Array(png);
}

/**
 * Encodes a picture as JPEG bytes, without metadata.
 *
 * @param image The picture.
 * @param quality From 1 to 100.
 * @throws {RangeError} If the bytes do not fit the size.
 */
export async function encodeJpeg(image: RgbImage, quality: number): Promise<Uint8Array> {
  checkImage(image);
  const { width, height, rgb } = image;
  return new Uint8Array(await sharp(rgb, { raw: { width, height, channels: 3 } }).jpeg({ quality }).toBuffer());
}

/**
 * Writes a picture as a PNG file, making its folder where it is missing.
 *
 * @param path The file to write; an existing one is replaced.
 * @param image The picture.
 * @throws {RangeError} If the bytes do not fit the size.
 *
 * @example
 * ```ts
 * import { readImage, writePng } from "@dipp/train";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/red.png`;
 * await writePng(path, { width: 1, height: 2, rgb: new Uint8Array([255, 0, 0, 0, 0, 255]) });
 * assertEquals((await readImage(path)).rgb[0], 255);
 * ```
 */
export async function writePng(path: string, image: RgbImage): Promise<void> {
  const png = await encodePng(image);
  const folder = path.replace(/[^/\\]*$/, "");
  if (folder !== "") await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(path, png);
}

/**
 * Reads a PNG, JPEG, WebP, GIF, AVIF or SVG file as 8-bit sRGB without alpha: transparent pixels are laid over
 * `background`, an EXIF orientation is applied.
 *
 * @param source A path, or the file's bytes.
 * @param options Size and background.
 * @throws {TypeError} If the file cannot be read as an image.
 */
export async function readImage(
  source: string | Uint8Array,
  options: ReadImageOptions = {},
): Promise<RgbImage> {
  const [r, g, b] = options.background ?? [255, 255, 255];
  const bytes = typeof source === "string" ? await Deno.readFile(source) : source;
  try {
    let pipeline = sharp(bytes, { autoOrient: true });
    if (options.width !== undefined || options.height !== undefined) {
      // sharp keeps the aspect ratio by itself where one side is missing, but only if the fit is not "fill".
      const fit = options.width !== undefined && options.height !== undefined ? options.fit ?? "fill" : "cover";
      pipeline = pipeline.resize({
        width: options.width,
        height: options.height,
        fit,
        kernel: "lanczos3",
      });
    }
    const { data, info } = await pipeline.flatten({ background: { r, g, b } })
      .toColourspace("srgb").removeAlpha().raw()
      .toBuffer({ resolveWithObject: true });
    return {
      width: info.width,
      height: info.height,
      rgb: new Uint8Array(data),
    };
  } catch (cause) {
    const name = typeof source === "string" ? source : `${bytes.length} bytes`;
    throw new TypeError(
      `Cannot read ${name} as an image: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}

/**
 * Scales a picture (antialiased, Lanczos 3), as {@linkcode readImage} does, whatever its aspect ratio.
 *
 * @param image The picture.
 * @param width Columns of the result.
 * @param height Rows of the result.
 */
export async function resizeImage(image: RgbImage, width: number, height: number): Promise<RgbImage> {
  checkImage(image);
  const pipeline = sharp(image.rgb, { raw: { width: image.width, height: image.height, channels: 3 } });
  const data = await pipeline.resize({ width, height, fit: "fill", kernel: "lanczos3" }).raw().toBuffer();
  return { width, height, rgb: new Uint8Array(data) };
}

/**
 * Turns planar floats into pictures: round(255 x), what lies outside [0, 1] clipped.
 *
 * @param planar `[N, 3, height, width]`, row-major.
 * @param width Columns of each.
 * @param height Rows of each.
 * @returns N pictures.
 */
export function fromPlanar(planar: Float32Array, width: number, height: number): RgbImage[] {
  const pixels = width * height;
  return Array.from({ length: planar.length / (3 * pixels) }, (_, n) => {
    const rgb = new Uint8Array(3 * pixels);
    for (let c = 0; c < 3; c++) {
      for (let i = 0; i < pixels; i++) {
        rgb[3 * i + c] = Math.round(255 * Math.min(1, Math.max(0, planar[(3 * n + c) * pixels + i])));
      }
    }
    return { width, height, rgb };
  });
}

/** Turns a picture into planar floats in [0, 1], `[3, height, width]` in row-major order: what networks take. */
export function toPlanar(image: RgbImage): Float32Array {
  checkImage(image);
  const pixels = image.width * image.height;
  const planar = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) {
      planar[c * pixels + i] = image.rgb[3 * i + c] / 255;
    }
  }
  return planar;
}
