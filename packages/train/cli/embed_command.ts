/** `dipp embed`. */
import { ConfigError } from "../config/config_error.ts";
import { embedPrompts } from "../embed/embed_prompts.ts";
import { promptSource } from "../embed/prompt_source.ts";
import { INTERRUPTED, listenForInterrupt } from "../run/interrupt.ts";
import { Progress } from "../run/progress.ts";
import { readOptions } from "./options.ts";

const HELP = `embed --prompts FILE --model DIR --out FILE.safetensors [options]: encode prompts once, for training

  --prompts FILE   text (one prompt a line), JSONL, or Parquet
  --field NAME     the field or column that holds the prompt (prompt, caption or text)
  --model DIR      a directory of diffusers: its text encoders and tokenizers
  --out FILE       the file to write; an unfinished one of the same prompts is gone on with
  --batch N        prompts at a time (16)
  --length N       tokens of a prompt (77 for CLIP, 120 for T5)
  --dtype TYPE     how embeddings are stored: f16 (default), bf16 or f32
  --weights TYPE   how the text encoder's weights lie on the device: f32 (default), f16 or bf16

Ctrl-C finishes the batch and ends with exit code ${INTERRUPTED}; the same command goes on, to the same bytes.`;

const STORED = { f32: "F32", f16: "F16", bf16: "BF16" } as const;

/**
 * Encodes prompts.
 *
 * @param args What follows `embed`.
 * @returns The exit code.
 */
export async function embedCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args, {
    string: ["prompts", "field", "model", "out", "batch", "length", "dtype", "weights"],
    boolean: ["help"],
  });
  if (options.has("help")) {
    console.log(HELP);
    return 0;
  }
  if (options.rest.length > 0) throw new ConfigError(`Argument is "${options.rest[0]}", expected options only`);
  const needed = (name: string, what: string) => {
    const text = options.text(name);
    if (text === undefined) throw new ConfigError(`Option --${name} is missing, expected ${what}`);
    return text;
  };
  const type = (name: string, otherwise: keyof typeof STORED) => {
    const text = options.text(name) ?? otherwise;
    if (!Object.hasOwn(STORED, text)) throw new ConfigError(`--${name} is ${text}, expected f32, f16 or bf16`);
    return text as keyof typeof STORED;
  };
  const out = needed("out", "a file to write");
  if (!out.endsWith(".safetensors")) throw new ConfigError(`--out is ${out}, expected an ending of .safetensors`);
  const length = options.integer("length", 2);
  const progress = new Progress("embed", []);
  using interrupt = listenForInterrupt(() => console.error("\nFinishing the batch; again to quit at once"));
  const batchSize = options.integer("batch", 1) ?? 16;
  const { done, total } = await embedPrompts({
    source: promptSource(needed("prompts", "a file"), options.text("field")),
    model: needed("model", "a directory of diffusers"),
    out,
    batchSize,
    dtype: STORED[type("dtype", "f16")],
    weights: type("weights", "f32"),
    ...(length !== undefined && { length }),
    interrupt,
    note: (text) => progress.note(text),
    onBatch: (done, total, seconds) => progress.update(done, total, {}, seconds / batchSize),
  });
  progress.close();
  if (done < total) {
    console.error(`Stopped after prompt ${done} of ${total}; the same command goes on`);
    return INTERRUPTED;
  }
  console.error(`${total} prompts in ${out}`);
  return 0;
}
