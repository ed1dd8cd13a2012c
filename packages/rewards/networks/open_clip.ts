import { SafetensorsEntry } from "@dipp/nn";
import type { CLIPConfig } from "./clip_config.ts";
import { parseCLIPConfig } from "./clip_config.ts";

/** Where a parameter of transformers' `CLIPModel` lies in a checkpoint of open_clip or OpenAI. */
export interface OpenClipSource {
  /** The name there. */
  readonly name: string;
  /** Which third of its first axis: queries, keys and values are stacked there. */
  readonly third?: 0 | 1 | 2;
  /** Whether its two axes change places: there the projections stand right of what they project. */
  readonly transpose?: true;
}

/** Names outside the layers. */
const NAMES: Readonly<Record<string, OpenClipSource>> = {
  "logit_scale": { name: "logit_scale" },
  "visual_projection.weight": { name: "visual.proj", transpose: true },
  "text_projection.weight": { name: "text_projection", transpose: true },
  "text_model.embeddings.token_embedding.weight": { name: "token_embedding.weight" },
  "text_model.embeddings.position_embedding.weight": { name: "positional_embedding" },
  "text_model.final_layer_norm.weight": { name: "ln_final.weight" },
  "text_model.final_layer_norm.bias": { name: "ln_final.bias" },
  "vision_model.embeddings.class_embedding": { name: "visual.class_embedding" },
  "vision_model.embeddings.patch_embedding.weight": { name: "visual.conv1.weight" },
  "vision_model.embeddings.position_embedding.weight": { name: "visual.positional_embedding" },
  "vision_model.pre_layrnorm.weight": { name: "visual.ln_pre.weight" },
  "vision_model.pre_layrnorm.bias": { name: "visual.ln_pre.bias" },
  "vision_model.post_layernorm.weight": { name: "visual.ln_post.weight" },
  "vision_model.post_layernorm.bias": { name: "visual.ln_post.bias" },
};

/** Modules of a layer. */
const MODULES: Readonly<Record<string, string>> = {
  layer_norm1: "ln_1",
  layer_norm2: "ln_2",
  "mlp.fc1": "mlp.c_fc",
  "mlp.fc2": "mlp.c_proj",
  "self_attn.out_proj": "attn.out_proj",
};

const LAYER = /^(text|vision)_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)$/;
const PROJECTION = /^self_attn\.([qkv])_proj$/;
/** Buffers of checkpoints that are no parameters; the middle three are those of OpenAI's archives. */
const BUFFERS = /^(attn_mask|input_resolution|context_length|vocab_size)$/;

/**
 * Says where a parameter lies in a checkpoint with open_clip's names, which are OpenAI's too.
 *
 * @param name its name in transformers' `CLIPModel`
 * @returns name, and what part of it
 * @throws {RangeError} when `CLIPModel` has no such parameter
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openClipSource } from "@dipp/rewards";
 *
 * assertEquals(openClipSource("vision_model.encoder.layers.3.self_attn.k_proj.bias"), {
 *   name: "visual.transformer.resblocks.3.attn.in_proj_bias",
 *   third: 1,
 * });
 * ```
 */
export function openClipSource(name: string): OpenClipSource {
  if (Object.hasOwn(NAMES, name)) return NAMES[name];
  const [, tower, index, module, kind] = LAYER.exec(name) ?? [];
  const start = `${tower === "vision" ? "visual." : ""}transformer.resblocks.${index}`;
  const projection = PROJECTION.exec(module ?? "")?.[1];
  if (projection) {
    return { name: `${start}.attn.in_proj_${kind}`, third: "qkv".indexOf(projection) as 0 | 1 | 2 };
  }
  if (module && Object.hasOwn(MODULES, module)) return { name: `${start}.${MODULES[module]}.${kind}` };
  throw new RangeError(`CLIPModel has no parameter "${name}"`);
}

/**
 * Whether tensors have open_clip's names.
 *
 * @param tensors a checkpoint of CLIP
 * @returns whether they do
 */
export function isOpenClip(tensors: ReadonlyMap<string, unknown>): boolean {
  return tensors.has("visual.conv1.weight");
}

/** A row-major matrix with its axes exchanged, whatever its elements are. */
function transposed({ dtype, shape, bytes }: SafetensorsEntry): SafetensorsEntry {
  const [rows, columns] = shape;
  const width = bytes.length / (rows * columns);
  const out = new Uint8Array(bytes.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const from = (r * columns + c) * width;
      out.set(bytes.subarray(from, from + width), (c * rows + r) * width);
    }
  }
  return new SafetensorsEntry(dtype, [columns, rows], out);
}

/**
 * A checkpoint of open_clip or OpenAI under transformers' names. Nothing is computed: stacked tensors are split (without
 * a copy) and projections transposed.
 *
 * @param tensors the checkpoint, of a CLIP with one vision transformer and one text transformer
 * @returns the same values as `CLIPModel` names them
 * @throws {RangeError} when there is a tensor that no parameter of `CLIPModel` comes from
 */
export function fromOpenClip(tensors: ReadonlyMap<string, SafetensorsEntry>): Map<string, SafetensorsEntry> {
  const result = new Map<string, SafetensorsEntry>();
  const used = new Set<string>();
  for (const name of transformersNames(tensors)) {
    const source = openClipSource(name);
    const entry = tensors.get(source.name);
    if (!entry) continue; // loadParams says what is missing
    used.add(source.name);
    result.set(name, part(entry, source));
  }
  const unknown = [...tensors.keys()].filter((name) => !used.has(name) && !BUFFERS.test(name));
  if (unknown.length > 0) {
    throw new RangeError(`Not a checkpoint of CLIP: no parameter is "${unknown.slice(0, 4).join('", "')}"`);
  }
  return result;
}

function part(entry: SafetensorsEntry, { third, transpose }: OpenClipSource): SafetensorsEntry {
  if (transpose) return transposed(entry);
  if (third === undefined) return entry;
  const [stacked, ...rest] = entry.shape;
  const bytes = entry.bytes.length / 3;
  return new SafetensorsEntry(
    entry.dtype,
    [stacked / 3, ...rest],
    entry.bytes.subarray(third * bytes, (third + 1) * bytes),
  );
}

/** The names that a `CLIPModel` with as many layers has. */
function* transformersNames(tensors: ReadonlyMap<string, unknown>): Generator<string> {
  yield* Object.keys(NAMES);
  for (const [tower, start] of [["vision", "visual."], ["text", ""]]) {
    for (let i = 0; tensors.has(`${start}transformer.resblocks.${i}.ln_1.weight`); i++) {
      for (const module of [...Object.keys(MODULES), ...[..."qkv"].map((x) => `self_attn.${x}_proj`)]) {
        for (const kind of ["weight", "bias"]) yield `${tower}_model.encoder.layers.${i}.${module}.${kind}`;
      }
    }
  }
}

/** A model's configuration file in open_clip; what is not here is not supported. */
export interface OpenClipConfig {
  /** Width of the space that texts and images share. */
  readonly embed_dim: number;
  /** Whether the feed-forwards use OpenAI's quick GELU. */
  readonly quick_gelu?: boolean;
  /** The vision transformer. */
  readonly vision_cfg: {
    readonly image_size: number;
    readonly layers: number;
    readonly width: number;
    readonly patch_size: number;
    readonly head_width?: number;
    readonly mlp_ratio?: number;
  };
  /** The text transformer. */
  readonly text_cfg: {
    readonly context_length: number;
    readonly vocab_size: number;
    readonly width: number;
    readonly heads: number;
    readonly layers: number;
    readonly mlp_ratio?: number;
  };
}

/**
 * A configuration of open_clip as one of transformers. The text is pooled at the largest id, as open_clip does.
 *
 * @param config open_clip's
 * @returns the complete configuration of `CLIPModel`
 * @throws {TypeError} when a field is wrong
 */
export function openClipConfig({ embed_dim, quick_gelu, vision_cfg, text_cfg }: OpenClipConfig): CLIPConfig {
  const hidden_act = quick_gelu ? "quick_gelu" : "gelu";
  const { head_width = 64, mlp_ratio = 4 } = vision_cfg;
  return parseCLIPConfig({
    projection_dim: embed_dim,
    vision_config: {
      hidden_size: vision_cfg.width,
      intermediate_size: Math.trunc(vision_cfg.width * mlp_ratio),
      num_hidden_layers: vision_cfg.layers,
      num_attention_heads: Math.trunc(vision_cfg.width / head_width),
      image_size: vision_cfg.image_size,
      patch_size: vision_cfg.patch_size,
      hidden_act,
    },
    text_config: {
      vocab_size: text_cfg.vocab_size,
      hidden_size: text_cfg.width,
      intermediate_size: Math.trunc(text_cfg.width * (text_cfg.mlp_ratio ?? 4)),
      num_hidden_layers: text_cfg.layers,
      num_attention_heads: text_cfg.heads,
      max_position_embeddings: text_cfg.context_length,
      hidden_act,
      eos_token_id: 2,
    },
  });
}
