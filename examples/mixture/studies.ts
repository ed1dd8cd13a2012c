/** What is drawn: every objective as it is, and some with guidance and reward. */
import type { ObjectiveInput } from "@dipp/objectives";

/** One picture. */
export interface Study {
  /** Its title. */
  readonly title: string;
  /** The objective. */
  readonly config: ObjectiveInput;
}

const guided = { omega: 3 } as const;

/** Every picture by the name of its file. */
export const STUDIES: Readonly<Record<string, Study>> = {
  ikl: { title: "Diff-Instruct", config: { name: "ikl" } },
  "ikl-guided": { title: "Diff-Instruct, omega 3", config: { name: "ikl", guidance: guided } },
  dipp: { title: "DI++, reward 0.3, omega 1.5", config: { name: "dipp", alpha_rew: 0.3, guidance: { omega: 1.5 } } },
  "dipp-strong": { title: "DI++, reward 2", config: { name: "dipp", alpha_rew: 2 } },
  sds: { title: "SDS", config: { name: "sds" } },
  vsd: { title: "VSD", config: { name: "vsd" } },
  dmd: { title: "DMD", config: { name: "dmd" } },
  dmd2: { title: "DMD2, matching term", config: { name: "dmd2" } },
  sid: { title: "SiD, alpha 1", config: { name: "sid", alpha: 1 } },
  "sid-1.2": { title: "SiD, alpha 1.2", config: { name: "sid" } },
  sid_lsg: {
    title: "SiD-LSG, omega 1.5 for both",
    config: { name: "sid_lsg", guidance: { omega: 1.5 } },
  },
  sim: { title: "SIM, pseudo-Huber", config: { name: "sim" } },
  distar: {
    title: "DI*, reward 0.3, omega 1.5 inside",
    config: { name: "distar", alpha_rew: 0.3, guidance: { omega: 1.5 } },
  },
  refl: { title: "ReFL, margin 1", config: { name: "refl", margin: 1 } },
  draft1: { title: "DRaFT-1", config: { name: "draft1" } },
};
