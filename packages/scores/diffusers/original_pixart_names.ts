import { rowsOf, type StoredTensor } from "@dipp/nn";

/** Names that change, in PixArt's own checkpoints and in diffusers'. */
const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^x_embedder\.proj\./, "pos_embed.proj."],
  [/^t_embedder\.mlp\.0\./, "adaln_single.emb.timestep_embedder.linear_1."],
  [/^t_embedder\.mlp\.2\./, "adaln_single.emb.timestep_embedder.linear_2."],
  [/^csize_embedder\.mlp\.0\./, "adaln_single.emb.resolution_embedder.linear_1."],
  [/^csize_embedder\.mlp\.2\./, "adaln_single.emb.resolution_embedder.linear_2."],
  [/^ar_embedder\.mlp\.0\./, "adaln_single.emb.aspect_ratio_embedder.linear_1."],
  [/^ar_embedder\.mlp\.2\./, "adaln_single.emb.aspect_ratio_embedder.linear_2."],
  [/^t_block\.1\./, "adaln_single.linear."],
  [/^y_embedder\.y_proj\.fc([12])\./, "caption_projection.linear_$1."],
  [/^final_layer\.linear\./, "proj_out."],
  [/^final_layer\.scale_shift_table$/, "scale_shift_table"],
  [/^blocks\.(\d+)\.attn\.proj\./, "transformer_blocks.$1.attn1.to_out.0."],
  [/^blocks\.(\d+)\.cross_attn\.q_linear\./, "transformer_blocks.$1.attn2.to_q."],
  [/^blocks\.(\d+)\.cross_attn\.proj\./, "transformer_blocks.$1.attn2.to_out.0."],
  [/^blocks\.(\d+)\.mlp\.fc1\./, "transformer_blocks.$1.ff.net.0.proj."],
  [/^blocks\.(\d+)\.mlp\.fc2\./, "transformer_blocks.$1.ff.net.2."],
  [/^blocks\.(\d+)\.scale_shift_table$/, "transformer_blocks.$1.scale_shift_table"],
];

/** Projections that are stored as one, in the order of their rows. */
const FUSED: readonly (readonly [RegExp, string, readonly string[]])[] = [
  [/^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/, "attn1", ["to_q", "to_k", "to_v"]],
  [/^blocks\.(\d+)\.cross_attn\.kv_linear\.(weight|bias)$/, "attn2", ["to_k", "to_v"]],
];

/** The position table, which is computed, and the learned null caption, which diffusers does not use. */
const DROPPED = /^(pos_embed|y_embedder\.y_embedding)$/;

/**
 * Names the tensors of PixArt's own checkpoints as diffusers does, and takes apart the projections that are stored as
 * one, without reading them. Other names stay as they are.
 *
 * Source: diffusers, `scripts/convert_pixart_alpha_to_diffusers.py`.
 *
 * @param tensors The tensors of a checkpoint.
 * @returns The same by diffusers' names.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { memoryBytes, openSafetensors, serialiseSafetensors } from "@dipp/nn";
 * import { diffusersPixArtNames } from "@dipp/scores";
 *
 * const data = new Float32Array([1, 2, 3]);
 * const bytes = serialiseSafetensors({ "blocks.0.attn.qkv.bias": { dtype: "F32", shape: [3], data } });
 * using file = await openSafetensors(memoryBytes(bytes));
 * const names = diffusersPixArtNames(file.tensors);
 * assertEquals((await names.get("transformer_blocks.0.attn1.to_k.bias")!.read()).toFloat32()[0], 2);
 * ```
 */
export function diffusersPixArtNames(tensors: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> {
  const named = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    if (DROPPED.test(name)) continue;
    const fused = FUSED.find(([pattern]) => pattern.test(name));
    if (fused) {
      const [pattern, attention, parts] = fused;
      const [, block, kind] = pattern.exec(name)!;
      const rows = (tensor.shape[0] ?? 0) / parts.length;
      if (!Number.isInteger(rows)) {
        throw new RangeError(`Cannot take ${name} of shape [${tensor.shape}] apart into ${parts.join(", ")}`);
      }
      parts.forEach((part, i) => {
        named.set(`transformer_blocks.${block}.${attention}.${part}.${kind}`, rowsOf(tensor, i * rows, (i + 1) * rows));
      });
      continue;
    }
    const renamed = RENAMED.find(([pattern]) => pattern.test(name));
    named.set(renamed ? name.replace(renamed[0], renamed[1]) : name, tensor);
  }
  return named;
}
