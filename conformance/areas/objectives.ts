import { byKind } from "../area.ts";
import { closedForm } from "./objectives/closed_form.ts";
import { objective } from "./objectives/objective.ts";

/** Objectives of the generator and losses of the fake score, on tiny networks; optima in closed form. */
export const objectives = byKind({ closed_form: closedForm, objective });
