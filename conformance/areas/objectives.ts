import { byKind } from "../area.ts";
import { objective } from "./objectives/objective.ts";

/** Objectives of the generator and losses of the fake score, on tiny networks. */
export const objectives = byKind({ objective });
