/** Counts what any WebGPU program of this process does, whoever wrote it. */

/** How much was done, and when last. */
export interface Counted {
  /** Dispatches recorded. */
  readonly dispatches: number;
  /** Calls of `queue.submit`. */
  readonly submits: number;
  /** When the last of them returned, on the clock of `performance.now()`. */
  readonly lastSubmit: number;
}

let dispatches = 0;
let submits = 0;
let lastSubmit = 0;

const pass = GPUComputePassEncoder.prototype;
for (const name of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"] as const) {
  const original = pass[name] as (...args: unknown[]) => undefined;
  Object.assign(pass, {
    [name](this: GPUComputePassEncoder, ...args: unknown[]) {
      dispatches++;
      return original.apply(this, args);
    },
  });
}
const submit = GPUQueue.prototype.submit;
GPUQueue.prototype.submit = function (commands) {
  submits++;
  submit.call(this, commands);
  lastSubmit = performance.now();
};

/** What was done, since `before` where that is given. */
export function count(before?: Counted): Counted {
  return {
    dispatches: dispatches - (before?.dispatches ?? 0),
    submits: submits - (before?.submits ?? 0),
    lastSubmit,
  };
}
