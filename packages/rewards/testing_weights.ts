// Small networks with random weights as checkpoints, for the tests of rewards.

import {
  type Params,
  paramsToSafetensors,
  parseSafetensors,
  type SafetensorsEntry,
  serialiseSafetensors,
} from "@dipp/nn";
import { openClipSource, parseCLIPConfig } from "./mod.ts";

/** Parameters as the entries of a checkpoint in f32. */
export async function entriesOf(params: Params): Promise<ReadonlyMap<string, SafetensorsEntry>> {
  return parseSafetensors(serialiseSafetensors(await paramsToSafetensors(params))).tensors;
}

const SIZE = { hidden_size: 16, intermediate_size: 24, num_attention_heads: 2, num_hidden_layers: 1 };

/** A CLIP on 16x16 pixels and 6 tokens. */
export const SMALL_CLIP = parseCLIPConfig({
  projection_dim: 12,
  text_config: { ...SIZE, vocab_size: 20, max_position_embeddings: 6, hidden_act: "gelu", eos_token_id: 2 },
  vision_config: { ...SIZE, image_size: 16, patch_size: 8, hidden_act: "gelu" },
});

/** The same values as open_clip stores them: queries, keys and values stacked, projections transposed. */
export function asOpenClip(
  tensors: ReadonlyMap<string, SafetensorsEntry>,
): ReadonlyMap<string, SafetensorsEntry> {
  const stored: Record<string, { dtype: "F32"; shape: number[]; data: Float32Array }> = {};
  for (const [path, entry] of tensors) {
    const { name, third, transpose } = openClipSource(path);
    const values = entry.toFloat32();
    const [rows, ...rest] = entry.shape;
    if (third !== undefined) {
      const whole = stored[name] ??= {
        dtype: "F32",
        shape: [3 * rows, ...rest],
        data: new Float32Array(3 * values.length),
      };
      whole.data.set(values, third * values.length);
    } else if (transpose) {
      const [columns] = rest;
      const data = Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
      stored[name] = { dtype: "F32", shape: [columns, rows], data };
    } else stored[name] = { dtype: "F32", shape: [...entry.shape], data: values };
  }
  return parseSafetensors(serialiseSafetensors(stored)).tensors;
}
