/**
 * The JavaScript of a thread: takes modules in, and runs the driver, which does the rest.
 *
 * @module
 */

/** The first message to a thread. */
export interface StartMessage {
  /** Number of the thread. */
  readonly thread: number;
  /** The driver. */
  readonly driver: WebAssembly.Module;
  /** The memory of all threads. */
  readonly memory: WebAssembly.Memory;
}

/** Every further message: functions for the thread's table. */
export interface ModuleMessage {
  /** The module that puts them there. */
  readonly module: WebAssembly.Module;
  /** Entries that the table must have. */
  readonly entries: number;
}

/** What a thread that cannot go on says. */
export interface FailureMessage {
  /** Why. */
  readonly reason: string;
  /** Whether a kernel was at work. */
  readonly isKernel: boolean;
}

/** How a thread hears and speaks: the port of a worker of Node's kind, or the global scope of one of the web's. */
interface Scope {
  on?(event: "message", listener: (data: StartMessage | ModuleMessage) => void): void;
  onmessage?: (event: { data: StartMessage | ModuleMessage }) => void;
  postMessage(message: FailureMessage): void;
}

/** What a thread runs. It is sent as text, so it knows nothing but its argument and what is global everywhere. */
function serve(scope: Scope): void {
  let thread: number;
  let memory: WebAssembly.Memory;
  let run: (thread: number, modules: number, held: number) => number;
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 1 });
  let modules = 0;
  let held = 0;
  const take = (message: StartMessage | ModuleMessage) => {
    let isKernel = false;
    try {
      if ("driver" in message) {
        ({ thread, memory } = message);
        run = new WebAssembly.Instance(message.driver, { env: { memory, table } }).exports.run as typeof run;
      } else {
        if (table.length < message.entries) table.grow(message.entries - table.length);
        new WebAssembly.Instance(message.module, { env: { memory, table } });
        modules++;
      }
      isKernel = true;
      held = run(thread, modules, held);
    } catch (error) {
      scope.postMessage({ reason: error instanceof Error ? error.message : String(error), isKernel });
    }
  };
  if (scope.on) scope.on("message", take);
  else scope.onmessage = ({ data }) => take(data);
}

/** The source of a thread. A data URL needs no permission to read, wherever this package came from. */
export const WORKER_URL: string = `data:text/javascript,${
  encodeURIComponent(
    `(${serve})(globalThis.process?.getBuiltinModule?.("node:worker_threads")?.parentPort ?? globalThis);`,
  )
}`;
