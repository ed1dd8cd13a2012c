/** `dipp prefer`. */
import { init } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { resolvePath, shownPath } from "../config/paths.ts";
import { checkpointSource } from "../evaluate/image_source.ts";
import { PROMPT_SETS, readPromptSet } from "../evaluate/prompt_set.ts";
import { readModel } from "../models/model_file.ts";
import { type PreferenceServer, servePreferences } from "../prefer/preference_server.ts";
import { PreferenceSession } from "../prefer/preference_session.ts";
import { DEVICE_HELP, DEVICE_OPTIONS, deviceOptions } from "./device_options.ts";
import { readOptions } from "./options.ts";

/** Where the page is unless told. */
const PORT = 8123;

/** Images drawn at a time: a generator's are quick, and nobody should wait for the first. */
const BATCH = 8;

const HELP = `prefer --checkpoint F --prompts FILE [options]: choose between a model's pictures, on a page

  --checkpoint F   a checkpoint of a generator (one step) or a teacher (many)
  --prompts FILE   JSON, TSV or text with one prompt a line, or ${PROMPT_SETS.join(", ")}
  --out FILE.jsonl where choices go, line by line, pictures beside it in a folder of the same name
                   (runs/prefer-NAME/choices.jsonl); a session that is there is gone on with
  --count N        pairs of each prompt (1); all prompts come once before one comes again
  --port N         the page's port on this machine's loopback address, 0 for any (${PORT})
  --seed N         seed of the noise (0)
  --steps N        steps of a teacher's sampler (24)
  --guidance X     guidance scale omega of a teacher (1.5)
${DEVICE_HELP}

Arrow keys choose left or right, arrow down is a tie, S skips, U takes back. Every choice is on the disk before the next
pair shows; Ctrl-C ends, and the same command goes on. Train a reward on the file with "data": { "preferences": FILE }.`;

/**
 * Serves a page to choose on, until Ctrl-C.
 *
 * @param args What follows `prefer`.
 * @returns The exit code.
 */
export async function preferCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args, {
    string: [...["checkpoint", "prompts", "out", "count", "port", "seed", "steps", "guidance"], ...DEVICE_OPTIONS],
    boolean: ["help"],
  });
  if (options.has("help")) {
    console.log(HELP);
    return 0;
  }
  if (options.rest.length > 0) throw new ConfigError(`Argument is "${options.rest[0]}", expected options only`);
  const checkpoint = options.text("checkpoint"), prompts = options.text("prompts");
  if (checkpoint === undefined) throw new ConfigError("Option --checkpoint is missing, expected a file");
  if (prompts === undefined) throw new ConfigError("Option --prompts is missing, expected a file");
  const port = options.integer("port", 0) ?? PORT;
  if (port > 65535) throw new ConfigError(`--port is ${port}, expected an integer of at most 65535`);
  const omega = Number(options.text("guidance") ?? 1.5);
  if (!Number.isFinite(omega)) throw new ConfigError(`--guidance is ${options.text("guidance")}, expected a number`);
  const set = await readPromptSet(prompts);
  const file = await readModel(checkpoint, ["generator", "teacher"]);
  if (file.description.kind === "generator") {
    const stray = ["steps", "guidance"].find((name) => options.text(name) !== undefined);
    if (stray) throw new ConfigError(`--${stray} is for teachers, but ${checkpoint} is a one-step generator`);
  }
  for (const prompt of set.prompts) {
    const warning = file.vocabulary.warning(prompt);
    if (warning !== undefined) console.error(`Note: ${warning}`);
  }
  await init(deviceOptions(options));
  const stem = checkpoint.replace(/^.*\//, "").replace(/\.safetensors$/, "");
  using session = await PreferenceSession.open({
    out: resolvePath(Deno.cwd(), options.text("out") ?? `runs/prefer-${stem}/choices.jsonl`),
    source: await checkpointSource(file, { steps: options.integer("steps", 1) ?? 24, omega, batchSize: BATCH }),
    prompts: [...new Set(set.prompts)],
    pairsPerPrompt: options.integer("count", 1) ?? 1,
    seed: options.integer("seed", 0) ?? 0,
  });
  const before = await session.state();
  const server = serve(session, port);
  if (before.pair > 0) console.error(`Going on after ${before.pair} of ${before.total} pairs`);
  console.log(`Choose at ${server.url}, end with Ctrl-C`);
  await interrupted();
  await server.close();
  const { pair, total, counts } = await session.state();
  console.error(
    `${pair} of ${total} pairs are judged: ${counts.chosen} chosen, ${counts.ties} ties, ${counts.skipped} skipped; ` +
      `they are in ${shownPath(session.out)}`,
  );
  return 0;
}

function serve(session: PreferenceSession, port: number): PreferenceServer {
  try {
    return servePreferences(session, { port, ahead: BATCH, note: (text) => console.error(text) });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new ConfigError(`--port is ${port}, which is taken, expected a free one, or 0`);
  }
}

/** Comes back at the first Ctrl-C. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
    const listener = () => {
      for (const signal of signals) Deno.removeSignalListener(signal, listener);
      resolve();
    };
    for (const signal of signals) Deno.addSignalListener(signal, listener);
  });
}
