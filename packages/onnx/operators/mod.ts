/** All operators, by domain. */
import type { OperatorTable } from "../operator.ts";
import { activations, contributedActivations } from "./activation.ts";
import { constants } from "./constant.ts";
import { convolutions } from "./conv.ts";
import { elementwise } from "./elementwise.ts";
import { positionsTable } from "./gather.ts";
import { contributedNormalizations, normalizations } from "./normalization.ts";
import { pools } from "./pool.ts";
import { contributedProducts, products } from "./product.ts";
import { quantization } from "./quantize.ts";
import { rearrangements } from "./rearrange.ts";
import { reductions } from "./reduce.ts";
import { resizing } from "./resize.ts";
import { shapes } from "./shape.ts";

/** The operators of each domain; "" is ONNX's own. */
export const OPERATORS: Readonly<Record<string, OperatorTable>> = {
  "": {
    ...activations,
    ...constants,
    ...convolutions,
    ...elementwise,
    ...normalizations,
    ...pools,
    ...positionsTable,
    ...products,
    ...quantization,
    ...rearrangements,
    ...reductions,
    ...resizing,
    ...shapes,
  },
  "com.microsoft": { ...contributedActivations, ...contributedNormalizations, ...contributedProducts },
};
