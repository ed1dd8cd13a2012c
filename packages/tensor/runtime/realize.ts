/** Runs graphs outside compiled steps and reads results back. */
import { byteLength, decode, type TypedArray } from "../dtype.ts";
import { isLeaf } from "../schedule/group.ts";
import { describePlan, targetOf } from "../schedule/describe.ts";
import { bindPlan } from "../schedule/plan.ts";
import { Tensor } from "../tensor.ts";
import { takeAssignments } from "./assign.ts";
import { backend } from "./device.ts";
import { adopt, deviceBuffer } from "./storage.ts";

/** Computes all tensors in one submit, into buffers of their own, together with pending assignments. */
export async function realizeTensors(
  tensors: readonly Tensor[],
): Promise<void> {
  const device = await backend();
  const outputs = [...new Set(tensors)].filter((t) => !isLeaf(t));
  const assignments = takeAssignments();
  if (outputs.length === 0 && assignments.length === 0) return;
  const plan = bindPlan(describePlan(outputs, assignments, targetOf(device)), device);
  device.submit(plan.program);
  plan.free();
  outputs.forEach((t, i) => adopt(t.storage = {}, device, plan.outputs[i]));
}

/** Computes a tensor if needed and reads it back. */
export async function download(tensor: Tensor): Promise<TypedArray> {
  const device = await backend();
  const { primitive, inputs, shape, dtype, size } = tensor;
  // A view goes on showing what it views, which may be state that changes, so what is read is a copy of it
  const isView = !isLeaf(tensor) && primitive.kind === "inline" && primitive.view === true;
  const source = isView ? new Tensor(primitive, inputs, shape, dtype) : tensor;
  await realizeTensors([source]);
  return decode(await device.download(deviceBuffer(source, device), byteLength(dtype, size)), dtype, size);
}

/**
 * Computes tensors into memory of their own, all in one submit, and carries out pending `assign`s.
 *
 * @param tensors What to compute; may be none, to carry out assignments only.
 */
export function realize(...tensors: Tensor[]): Promise<void> {
  return realizeTensors(tensors);
}
