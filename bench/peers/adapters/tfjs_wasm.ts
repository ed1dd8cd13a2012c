/**
 * Starts TensorFlow.js' WebAssembly backend with threads, which it does in browsers only.
 *
 * Its loader makes classic workers of texts that it packs into blobs, and sends them a blob; Deno has neither classic
 * workers nor clones of blobs. So while it starts it finds a browser's globals, with texts for blobs and addresses, and
 * module workers that can import texts.
 */
import type { TfModule } from "./tfjs_api.ts";

/** What is used of the package. */
interface TfWasm {
  setThreadsCount(threads: number): void;
  getThreadsCount(): number;
}

/** A text in the place of a blob: it can be sent to a thread. */
class Script {
  readonly text: string;

  constructor(parts: readonly string[]) {
    this.text = parts.join("");
  }
}

/** What a thread needs to know before its script. */
const PRELUDE = `globalThis.process = undefined;
globalThis.importScripts = (text) => (0, eval)(text);
URL.createObjectURL = (script) => script.text;
URL.revokeObjectURL = () => {};
`;

/** Makes the backend the one that computes. */
export async function startWasm(tf: TfModule, threads: number): Promise<void> {
  const wasm: TfWasm = await import("@tensorflow/" + "tfjs-backend-wasm");
  wasm.setThreadsCount(threads);
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", true);
  const { Worker, fetch } = globalThis;
  class ModuleWorker extends Worker {
    constructor(script: string) {
      super(`data:text/javascript,${encodeURIComponent(PRELUDE + script)}`, { type: "module" });
    }
  }
  const restore = [
    replace(globalThis, "process", undefined),
    replace(globalThis, "window", globalThis),
    replace(globalThis, "Blob", Script),
    replace(globalThis, "Worker", ModuleWorker),
    replace(URL, "createObjectURL", ({ text }: Script) => text),
    // The path of its binary has no scheme
    replace(globalThis, "fetch", (path: string) => fetch(new URL(path, "file:///"))),
    // It takes every second core for no core, and starts no more threads than there are cores
    replace(navigator, "hardwareConcurrency", 2 * threads),
  ];
  try {
    await tf.setBackend("wasm");
    await tf.ready();
  } finally {
    restore.forEach((undo) => undo());
  }
  const started = wasm.getThreadsCount();
  if (started !== threads) throw new RangeError(`It starts ${started} threads, expected ${threads}`);
}

/** Replaces a property and returns what puts it back. */
function replace(object: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
  return () => {
    if (before) Object.defineProperty(object, name, before);
    else Reflect.deleteProperty(object, name);
  };
}
