/** Every row, in the order of the table. */
import type { Row } from "../row.ts";
import { attentionRows } from "./attention.ts";
import { conv2dRows } from "./conv2d.ts";
import { elementwiseRows } from "./elementwise.ts";
import { matmulRows } from "./matmul.ts";
import { normRows } from "./norm.ts";
import { trainingRows } from "./training.ts";

/** All of them. */
export const rows: readonly Row[] = [
  ...matmulRows,
  ...conv2dRows,
  ...attentionRows,
  ...normRows,
  ...elementwiseRows,
  ...trainingRows,
];
