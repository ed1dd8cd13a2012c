/** Every row, in the order of the table. */
import type { Row } from "../row.ts";
import { alignmentRow } from "./alignment.ts";
import { attentionRows } from "./attention.ts";
import { conv2dRows } from "./conv2d.ts";
import { elementwiseRows } from "./elementwise.ts";
import { matmulRows } from "./matmul.ts";
import { normRows } from "./norm.ts";
import { trainingRows } from "./training.ts";

/** What compares peers. */
export const rows: readonly Row[] = [
  ...matmulRows,
  ...conv2dRows,
  ...attentionRows,
  ...normRows,
  ...elementwiseRows,
  ...trainingRows,
];

/** What compares dipp's devices, for which the other one takes the place of the best peer. */
export const deviceRows: readonly Row[] = [
  ...trainingRows.map((row) => ({ ...row, target: { webgpu: 3, wasm: 3 }, host: false })),
  alignmentRow("emoji align-dit", "examples/emoji/align-dit.json"),
];
