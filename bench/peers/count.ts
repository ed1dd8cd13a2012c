/** Counts what any WebGPU program of this process does, whoever wrote it. */

import type { Counted } from "./row.ts";

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

/** What was done so far. */
export function count(): Counted {
  return { dispatches, submits, lastSubmit };
}
