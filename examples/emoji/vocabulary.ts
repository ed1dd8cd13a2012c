/** The words of the emoji names: the vocabulary that every text-conditioned stage uses. */
export * from "@dipp/train/vocabulary";
