/** Image files inside a page. */
import { encodeJpeg, readImage } from "../images.ts";
import type { EmbeddedImage } from "./html_samples.ts";

/** Width up to which files go into a page as they are: twice what it shows, for sharp screens. */
const WIDEST = 320;

/**
 * An image file for a page, scaled down where it is large.
 *
 * @param file A PNG, JPEG or WebP file.
 * @returns A `data:` URL and the width of what it holds.
 */
export async function embedImage(file: string): Promise<EmbeddedImage> {
  const bytes = await Deno.readFile(file);
  const image = await readImage(bytes);
  if (image.width > WIDEST) {
    const scaled = await readImage(bytes, { width: WIDEST });
    return { url: dataUrl("jpeg", await encodeJpeg(scaled, 88)), width: scaled.width };
  }
  const kind = /\.png$/i.test(file) ? "png" : /\.webp$/i.test(file) ? "webp" : "jpeg";
  return { url: dataUrl(kind, bytes), width: image.width };
}

function dataUrl(kind: string, bytes: Uint8Array): string {
  return `data:image/${kind};base64,${bytes.toBase64()}`;
}
