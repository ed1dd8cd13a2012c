/** Runs graphs outside compiled steps and reads results back. */
import type { Backend } from "../backend/backend.ts";
import { byteLength, decode, type TypedArray } from "../dtype.ts";
import { isLeaf } from "../schedule/group.ts";
import { type Assignment, describePlan, targetOf } from "../schedule/describe.ts";
import { bindPlan } from "../schedule/plan.ts";
import { Tensor } from "../tensor.ts";
import { takeAssignments } from "./assign.ts";
import { backend, backendIfStarted } from "./device.ts";
import { reclaim } from "./reclaim.ts";
import { adopt, deviceBuffer, releaseStorage, withdraw } from "./storage.ts";
import { refuseWhileTracing } from "./trace.ts";

/** Computes all tensors in one submit, into buffers of their own, together with pending assignments. */
export async function realizeTensors(
  tensors: readonly Tensor[],
): Promise<void> {
  refuseWhileTracing("realize");
  // Without waiting, where possible: what the caller does next comes after
  const device = backendIfStarted() ?? await backend();
  const outputs = [...new Set(tensors)].filter((t) => !isLeaf(t));
  const assignments = takeAssignments();
  if (outputs.length === 0 && assignments.length === 0) return;
  run(outputs, assignments, device);
  try {
    await device.settle();
  } catch (error) {
    outputs.forEach(withdraw);
    throw error;
  }
  await reclaim();
}

function run(outputs: readonly Tensor[], assignments: readonly Assignment[], device: Backend): void {
  const plan = bindPlan(describePlan(outputs, assignments, targetOf(device)), device);
  try {
    device.submit(plan.program);
  } catch (error) {
    plan.freeOutputs();
    throw error;
  } finally {
    plan.free();
  }
  outputs.forEach((t, i) => adopt(t.storage = {}, device, plan.outputs[i]));
}

/** Computes a tensor if needed and reads it back. */
export async function download(tensor: Tensor): Promise<TypedArray> {
  refuseWhileTracing("read");
  const device = backendIfStarted() ?? await backend();
  const { primitive, inputs, shape, dtype, size } = tensor;
  // A view goes on showing what it views, which may be state that changes, so what is read is a copy of it
  const isView = !isLeaf(tensor) && primitive.kind === "inline" && primitive.view === true;
  const source = isView ? new Tensor(primitive, inputs, shape, dtype) : tensor;
  const computed = realizeTensors([source]);
  // Both are queued now; an error of the first explains one of the second
  const bytes = source.storage ? device.download(deviceBuffer(source, device), byteLength(dtype, size)) : undefined;
  bytes?.catch(() => {});
  await computed;
  const data = decode(await bytes!, dtype, size);
  if (isView) releaseStorage(source);
  await reclaim();
  return data;
}

/**
 * Computes tensors into memory of their own, all in one submit, and carries out pending `assign`s.
 *
 * The work is queued at the call, in program order: what is assigned or run after it does not change its results.
 *
 * @param tensors What to compute; may be none, to carry out assignments only.
 * @throws {TypeError} If something that they depend on was disposed, or lies on another device.
 * @throws {RangeError} If a tensor is larger than the adapter allows.
 * @throws {Error} If the device's memory is full, or the device was lost. The tensors can be realised again later;
 *   pending `assign`s are dropped.
 */
export function realize(...tensors: Tensor[]): Promise<void> {
  return realizeTensors(tensors);
}
