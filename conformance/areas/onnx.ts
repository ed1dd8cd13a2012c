import { loadOnnx } from "@dipp/onnx";
import type { Area } from "../area.ts";
import { gradients } from "../gradients.ts";

/** Models in ONNX: `model.onnx` of the case's folder. Integers are stored as I32 where the file asks for int64. */
export const onnx: Area = async (one) => {
  const model = await loadOnnx(`${one.folder}/model.onnx`);
  const outputs = model.run(Object.fromEntries(model.inputs.map(({ name }) => [name, one.input(name)])));
  return { ...outputs, ...gradients(one, outputs, one.allInputs()) };
};
