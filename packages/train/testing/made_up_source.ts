/** Images of one colour each, which depends on the item alone: a source without a network. */
import type { ImageSource } from "../evaluate/image_source.ts";

/**
 * Makes the source.
 *
 * @param name What tells it from others.
 * @param drawn Takes down what was drawn.
 */
export function madeUpSource(name: string, drawn: string[] = []): ImageSource {
  return {
    batchSize: 4,
    facts: { kind: "checkpoint", path: name, sha256: name, variant: "made up", dtype: "f32", sampling: "none" },
    draw(items, seed) {
      drawn.push(...items.map(({ prompt, copy }) => `${prompt} ${copy}`));
      const data = new Float32Array(items.length * 3 * 4).map((_, i) => {
        const { stream } = items[Math.floor(i / 12)];
        return ((stream >>> (8 * Math.floor(i / 4 % 3))) + seed) % 256 / 255;
      });
      return Promise.resolve({ data, shape: [items.length, 3, 2, 2] });
    },
  };
}
