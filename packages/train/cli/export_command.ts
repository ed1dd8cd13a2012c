/** `dipp export`. */
import { writeAtomic } from "@dipp/nn";
import { init } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { bradleyTerryOnnx } from "../export/bradley_terry_onnx.ts";
import { loadPreference } from "../models/judges.ts";
import { readModel } from "../models/model_file.ts";
import { DEVICE_HELP, DEVICE_OPTIONS, deviceOptions } from "./device_options.ts";
import { readOptions } from "./options.ts";

const HELP = `export --checkpoint F --out F.onnx: write a learned reward as an ONNX model

  --checkpoint F   a checkpoint of a reward (kind "preference")
  --out F.onnx     the file: images [batch, 3, height, width] in [0, 1] and ids [batch, length] to score [batch]
${DEVICE_HELP}

As a reward of training: { "type": "onnx", "path": "F.onnx", "input": "images", "prompt": { "input": "ids" } }`;

/**
 * Exports a checkpoint.
 *
 * @param args What follows `export`.
 * @returns The exit code.
 */
export async function exportCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args, { string: ["checkpoint", "out", ...DEVICE_OPTIONS], boolean: ["help"] });
  if (options.has("help")) {
    console.log(HELP);
    return 0;
  }
  const [checkpoint, out] = ["checkpoint", "out"].map((name) => {
    const value = options.text(name);
    if (value === undefined) throw new ConfigError(`Option --${name} is missing, expected a file`);
    return value;
  });
  if (!out.endsWith(".onnx")) throw new ConfigError(`--out is ${out}, expected a name that ends in .onnx`);
  if (options.rest.length > 0) throw new ConfigError(`Argument ${options.rest[0]} belongs to no option`);
  await init(deviceOptions(options));
  const { network, params } = await loadPreference(await readModel(checkpoint, ["preference"]));
  const bytes = await bradleyTerryOnnx(network.config, params);
  await writeAtomic(out, bytes);
  console.error(`${out} has ${bytes.length} bytes; deno task onnx:check compares it with onnxruntime-web`);
  return 0;
}
