/** The state of a run to and from checkpoints. */
import { assignTree, loadParams, type Packing, type Params, paramsToSafetensors, SafetensorsEntry } from "@dipp/nn";
import type { SafetensorsInput } from "@dipp/nn";
import { realize } from "@dipp/tensor";

/** What a run trains, by its names, and other numbers that follow it. */
export type RunState = {
  readonly [name: string]: { readonly stored: Params; readonly packing?: Packing };
};

/**
 * Reads a state for a checkpoint. What is packed is stored without the zeros between the parameters, so that a
 * checkpoint does not depend on where they begin.
 *
 * @param state Computed tensors.
 * @returns The tensors by name.
 */
export async function stateTensors(state: RunState): Promise<Map<string, SafetensorsInput>> {
  const tensors = await paramsToSafetensors(storedTree(state));
  for (const [name, { dtype, data }] of tensors) {
    const packed = packingOf(state, name);
    if (!packed) continue;
    const dense = packed.packing.dense(packed.group, data as Float32Array);
    tensors.set(name, { dtype, shape: [dense.length], data: dense });
  }
  return tensors;
}

/**
 * Puts a checkpoint's values into a state, bit for bit.
 *
 * @param state Computed tensors, which are written over.
 * @param tensors The checkpoint's tensors by name.
 * @throws {RangeError} If a tensor is missing, too many, or of another shape.
 */
export async function restore(state: RunState, tensors: ReadonlyMap<string, SafetensorsEntry>): Promise<void> {
  const spread = new Map([...tensors].map(([name, entry]) => {
    const packed = packingOf(state, name);
    if (!packed) return [name, entry];
    const { buffer, length } = packed.packing.spread(packed.group, entry.toFloat32());
    return [name, new SafetensorsEntry("F32", [length], new Uint8Array(buffer as ArrayBuffer))];
  }));
  const tree = storedTree(state);
  assignTree(tree, loadParams(tree, spread));
  await realize();
}

function storedTree(state: RunState): { [name: string]: Params } {
  return Object.fromEntries(Object.entries(state).map(([name, { stored }]) => [name, stored]));
}

/** How a tensor of the state is packed, if it is: its name begins with what is trained and ends with the group. */
function packingOf(state: RunState, name: string): { packing: Packing; group: string } | undefined {
  const path = name.split(".");
  const [first, group] = [path[0], path[path.length - 1]];
  const packing = Object.hasOwn(state, first) ? state[first].packing : undefined;
  return packing?.groups.includes(group) ? { packing, group } : undefined;
}
