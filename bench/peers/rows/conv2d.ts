/** 3x3 convolutions with padding 1, and their two gradients. */
import { noise, type Row, type Work } from "../row.ts";

type Pass = (Work & { op: "conv2d" })["pass"];

const TITLES: Record<Pass, string> = {
  forward: "forward",
  inputGrad: "input gradient",
  weightGrad: "weight gradient",
};

/** A convolution of `[images, channels, side, side]` to as many channels. */
export function conv2dRow(pass: Pass, images: number, channels: number, side: number): Row {
  const image = [images, channels, side, side];
  const weight = [channels, channels, 3, 3];
  const shapes = { forward: [image, weight], inputGrad: [image, weight], weightGrad: [image, image] }[pass];
  return {
    name: `conv 3x3 ${image.join("x")} ${TITLES[pass]}`,
    target: { webgpu: 2, wasm: 1 },
    flops: 2 * images * side * side * channels * channels * 9,
    work: { op: "conv2d", pass },
    inputs: () => shapes.map((shape, i) => noise(i + 1, shape)),
  };
}

/** The sizes measured. */
export const conv2dRows: readonly Row[] = [[8, 64, 32], [4, 320, 32]].flatMap(([images, channels, side]) =>
  (["forward", "inputGrad", "weightGrad"] as const).map((pass) => conv2dRow(pass, images, channels, side))
);
