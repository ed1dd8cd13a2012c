/**
 * Measures what the differentiable preprocessing of rewards differs from the exact one, on the sheet of Google's emoji
 * and on what sharp (libvips) makes of the same pictures.
 *
 * @module
 */
import { pillowResize, preprocess, type PreprocessOptions, type RgbImage, roundHalfEven } from "@dipp/rewards";
import { init, tensor } from "@dipp/tensor";
import sharp from "sharp";

/** Size of a picture, and where it lies in the sheet. */
const CUTS = [[512, 512, 0], [512, 768, 900], [1024, 1024, 1500], [160, 200, 2200]];
const SHEET = new URL("img/google/sheets-256/64.png", import.meta.resolve("emoji-datasource-google/package.json"));

async function pictures(): Promise<RgbImage[]> {
  return await Promise.all(CUTS.map(async ([height, width, at]) => {
    const { data } = await sharp(SHEET.pathname).flatten({ background: "#ffffff" })
      .extract({ left: at, top: at, width, height }).toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
    return { width, height, rgb: new Uint8Array(data) };
  }));
}

/** Grey levels of 255: largest and root mean square. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>, unit: number): string {
  let [most, square] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i] - b[i]) * unit;
    most = Math.max(most, d);
    square += d * d;
  }
  return `largest ${most.toFixed(2)}, rms ${Math.sqrt(square / a.length).toFixed(3)}`;
}

if (import.meta.main) {
  await init();
  // Without normalisation a value is a grey level over 255
  const ways: Record<string, Partial<PreprocessOptions>> = {
    CLIP: {},
    "CLIP, clamp": { clamp: true },
    "HPSv2": { fit: "pad", resize: "tensor" },
    "CLIP, no antialias": { antialias: false },
  };
  for (const picture of await pictures()) {
    const { width, height, rgb } = picture;
    const image = tensor(Float32Array.from(rgb, (v) => v / 255), [1, height, width, 3]).permute([0, 3, 1, 2]);
    for (const [name, options] of Object.entries(ways)) {
      const way = preprocess({ ...options, mean: [0, 0, 0], std: [1, 1, 1] });
      const [exact, smooth] = await Promise.all([way.exact([picture]).data(), way.differentiable(image).data()]);
      console.log(`${height}x${width}  ${name}: ${difference(exact, smooth, 255)}`);
    }
    const [w, h] = [width, height].map((n) => roundHalfEven(n * 224 / Math.min(width, height)));
    const vips = await sharp(rgb, { raw: { width, height, channels: 3 } })
      .resize({ width: w, height: h, fit: "fill", kernel: "cubic", fastShrinkOnLoad: false }).raw().toBuffer();
    console.log(`${height}x${width}  sharp: ${difference(pillowResize(picture, w, h).rgb, vips, 1)}`);
  }
}
