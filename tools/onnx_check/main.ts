/**
 * `deno task onnx:check FILE`: compares dipp with onnxruntime-web on an ONNX model, node by node.
 *
 * @module
 */
import { init } from "@dipp/tensor";
import { readFlags } from "../flags.ts";
import { checkModel } from "./compare.ts";
import { parseInput } from "./inputs.ts";
import { linesOf, toJson } from "./report.ts";

const USAGE = `Usage: deno task onnx:check FILE [--input NAME=SHAPE|PICTURE[:LOW..HIGH]]... [--bound N] [--json]

Runs an ONNX model by dipp and by onnxruntime-web (WebAssembly, no GPU) on the same inputs, every intermediate made an
output, and compares them in the order of the graph. Needs a network only the first time, for onnxruntime-web.

  --input NAME=SHAPE[:LOW..HIGH]  lengths of an input, 1x3x224x224, and the range of its elements; by default the
                                  model's own lengths (the first axis 1 where it is free), random reals in [-1, 1],
                                  random integers 0 and 1
  --input NAME=PICTURE[:LOW..HIGH]  a PNG, JPEG or WebP as [1, 3, H, W], of the model's size or its own; black is LOW
                                  and white HIGH, 0 and 1 by default
  --bound N                       largest error allowed, 1e-3 by default: max |a - b| / max(|b|, rms(b))
  --json                          the whole report as one JSON object

Exits with 1 if an error is beyond the bound, or one of the two cannot run the model.`;

if (import.meta.main) {
  const flags = readFlags(Deno.args, USAGE, { string: ["input", "bound"], boolean: ["json"], collect: ["input"] }, 1);
  const bound = Number(flags.bound ?? 1e-3);
  const [file] = flags._;
  if (file === undefined || !(bound > 0)) {
    console.error(`${file === undefined ? "No file is named" : `Bound ${flags.bound} is not positive`}\n\n${USAGE}`);
    Deno.exit(2);
  }
  try {
    const inputs = new Map((flags.input as string[] | undefined ?? []).map(parseInput));
    await init();
    const report = await checkModel(file, { inputs, bound });
    if (flags.json) console.log(toJson(report));
    else for (const line of linesOf(report)) console.log(line);
    if (report.firstDivergence) Deno.exit(1);
  } catch (error) {
    console.error(`onnx:check: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
