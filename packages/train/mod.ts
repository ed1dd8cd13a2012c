/**
 * Training: configurations, the loop, checkpoints that survive crashes, logs, pictures, and the stages that lead from
 * images with names to an aligned one-step generator.
 *
 * @module
 */
export * from "./data.ts";
export * from "./vocabulary.ts";
export * from "./images.ts";
export * from "./image_grid.ts";
export * from "./run/checkpoint_store.ts";
export * from "./run/metrics_log.ts";
export * from "./export/bradley_terry_onnx.ts";
export { main } from "./cli.ts";
export type { SafetensorsData, SafetensorsDType, SafetensorsEntry, SafetensorsInput } from "@dipp/nn";
