/** The processes of the implementations, as their parent sees them. */

import type { Setting } from "./row.ts";

/** What the parent asks for. */
export type Command =
  | { readonly do: "load" }
  | { readonly do: "prepare"; readonly row: string; readonly file: string }
  | { readonly do: "warm up" }
  | { readonly do: "time"; readonly runs: number }
  | { readonly do: "host"; readonly runs: number }
  | { readonly do: "free" };

/** What it gets. */
export interface Answer {
  /** What went wrong. */
  readonly error?: string;
  /** With an error: the implementation cannot do such work. */
  readonly unsupported?: boolean;
  /** load: name and version. */
  readonly name?: string;
  /** prepare: until the first result was there; warm up: the fastest run; time: all runs and one wait. */
  readonly ms?: number;
  /** prepare: lengths of the results in the file. */
  readonly lengths?: readonly number[];
  /** prepare: dispatches of one run. */
  readonly dispatches?: number;
  /** prepare: submissions of one run. */
  readonly submits?: number;
  /** host: from the call of each run to the end of its last submission. */
  readonly host?: readonly number[];
}

/** The adapters of other libraries: their processes run with `peers.json`, which has Deno fetch the packages. */
export const PEERS: readonly string[] = ["jax-js", "tfjs", "ort"];

const folder = import.meta.dirname!;

/** One implementation, in a process of its own. */
export class Worker {
  /** The adapter's name. */
  readonly adapter: string;
  readonly #setting: Setting;
  readonly #environment: Record<string, string>;
  #child: Deno.ChildProcess | undefined;
  #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | undefined;
  #lines: AsyncIterator<string> | undefined;

  constructor(adapter: string, setting: Setting, environment: Record<string, string> = {}) {
    this.adapter = adapter;
    this.#setting = setting;
    this.#environment = environment;
  }

  /** The number of its process. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process; the answer has the implementation's name, or why it is not here. */
  async start(): Promise<Answer> {
    const { device, threads } = this.#setting;
    const config = PEERS.includes(this.adapter) ? "peers.json" : "../../deno.json";
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", "--config", `${folder}/${config}`, `${folder}/worker.ts`],
        ...[this.adapter, device, `${threads}`],
      ],
      env: { DENO_WEBGPU_BACKEND: Deno.build.os === "linux" ? "vulkan" : "", ...this.#environment },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = linesOf(this.#child.stdout);
    return await this.ask({ do: "load" });
  }

  /**
   * Sends a command. Where there is no answer, because the process ended or the limit has passed, a fresh process takes
   * its place, and the answer is an error.
   */
  async ask(command: Command, limitMs = Infinity): Promise<Answer> {
    const overdue = Promise.withResolvers<"overdue">();
    const timer = limitMs < Infinity ? setTimeout(() => overdue.resolve("overdue"), limitMs) : undefined;
    let error = `no result in ${limitMs / 1000} s`;
    try {
      await this.#writer!.write(new TextEncoder().encode(JSON.stringify(command) + "\n"));
      const next = await Promise.race([this.#lines!.next(), overdue.promise]);
      if (next !== "overdue") {
        if (!next.done) return JSON.parse(next.value);
        error = "the process ended";
      }
    } catch (reason) {
      error = `the process ended: ${reason}`;
    } finally {
      clearTimeout(timer);
    }
    await this.stop();
    if (command.do !== "load") await this.start();
    return { error };
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    try {
      this.#child?.kill("SIGKILL");
    } catch {
      // It ended by itself
    }
    await this.#writer?.abort().catch(() => {});
    await this.#child?.status;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
