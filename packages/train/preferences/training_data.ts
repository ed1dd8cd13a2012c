/** What stages learn from. */
import type { ImageTextData } from "../data.ts";
import type { PreferenceFile } from "./preference_file.ts";

/** What a stage may learn from: images with prompts, or compared pairs of a file alone. */
export type TrainingData = ImageTextData | PreferenceFile;
