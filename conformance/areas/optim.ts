import { byKind } from "../area.ts";
import { ema } from "./optim/ema.ts";
import { lr } from "./optim/lr.ts";
import { trajectory } from "./optim/trajectory.ts";

/** Optimisers on a tiny regression, moving averages, learning rates. */
export const optim = byKind({ trajectory, ema, lr });
