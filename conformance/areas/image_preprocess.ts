import { cropOffset, pillowResize, preprocess, type PreprocessOptions, resizedSize } from "@dipp/rewards";
import { type Tensor, tensor, vjp } from "@dipp/tensor";
import type { Area } from "../area.ts";
import type { GoldenCase } from "../golden_case.ts";

/** What a case says of the network that its images are for. */
interface PreprocessConfig {
  readonly size: number;
  readonly mean: [number, number, number];
  readonly std: [number, number, number];
}

/** Images on their way into a reward, exact and differentiable. */
export const imagePreprocess: Area = (one) => {
  const { size, mean, std } = one.field<PreprocessConfig>("config");
  const into = (options: Partial<PreprocessOptions>) => preprocess({ size, mean, std, ...options });
  const [height, width] = one.input("image_u8").shape;
  const picture = { height, width, rgb: Uint8Array.from(one.inputs.get("image_u8")!.data, Number) };
  const exact = (options: Partial<PreprocessOptions>) => into(options).exact([picture]).squeeze(0);

  const [rows, columns] = resizedSize(height, width, size, "crop");
  const resized = tensor(Int32Array.from(pillowResize(picture, columns, rows).rgb), [rows, columns, 3]);
  const [top, left] = [rows, columns].map((length) => cropOffset(length, size, "torchvision"));
  const hpsv2 = { fit: "pad", resize: "tensor" } as const;
  const outputs = {
    pil_resized_u8: resized,
    pil_cropped_u8: resized.slice([[top, top + size], [left, left + size]]),
    pixel_values_clip: exact({}),
    pixel_values_hf: exact({ crop: "transformers" }),
    pixel_values_hpsv2_antialias: exact(hpsv2),
    pixel_values_hpsv2_plain: exact({ ...hpsv2, antialias: false }),
    pixel_values_differentiable: into({}).differentiable(one.input("image")),
    pixel_values_from_decoded: into({ fit: "stretch" }).differentiable(
      one.input("decoded").div(2).add(0.5).clamp(0, 1),
    ),
  };
  return { ...outputs, ...gradientsOf(one, outputs) };
};

/** Both differentiable ways share one cotangent, `cotangent.pixel_values`; each has its own input. */
function gradientsOf(one: GoldenCase, outputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const pairs = { image: "pixel_values_differentiable", decoded: "pixel_values_from_decoded" };
  const seed = one.input("cotangent.pixel_values");
  return Object.fromEntries(
    Object.entries(pairs).map((
      [input, output],
    ) => [`grad.${input}`, vjp([outputs[output]], [seed], [one.input(input)])[0]]),
  );
}
