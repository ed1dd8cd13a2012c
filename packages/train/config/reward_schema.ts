/** What the configuration of a reward must look like: a file, a named reward, or several put together. */
import { z } from "zod";
import { PAPER_REWARDS } from "../models/paper_rewards.ts";

const sign = z.union([z.literal(1), z.literal(-1)]).default(1);
const name = z.string().regex(/^[A-Za-z0-9_.-]+$/, { error: "expected letters, digits, _, . and -" });
const three = z.tuple([z.number(), z.number(), z.number()]);

/** How images come into an ONNX model: as they are, in [0, 1], where a value is left out. */
const onnxPreprocess = z.strictObject({
  size: z.int().positive().nullable().default(null),
  fit: z.enum(["crop", "pad", "stretch"]).default("crop"),
  crop: z.enum(["torchvision", "transformers"]).default("torchvision"),
  antialias: z.boolean().default(true),
  clamp: z.boolean().default(false),
  mean: three.default([0, 0, 0]),
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).default([1, 1, 1]),
});

/** The input of an ONNX model that reads prompts; a text alone is its name. */
const onnxPrompt = z.preprocess(
  (value) => typeof value === "string" ? { input: value } : value,
  z.strictObject({
    input: z.string().min(1),
    mask: z.string().min(1).nullable().default(null),
    tokenizer: z.string().min(1).nullable().default(null),
  }),
);

/** The rewards that are made of nothing else. */
// deno-lint-ignore explicit-function-return-type
function leaves(input: z.ZodType<string, string>, folder: z.ZodType<string, string>) {
  return [
    z.strictObject({ type: z.literal("preference"), path: input }),
    z.strictObject({
      type: z.literal("onnx"),
      path: input,
      input: z.string().min(1).nullable().default(null),
      output: z.string().min(1).nullable().default(null),
      index: z.int().nonnegative().nullable().default(null),
      layout: z.enum(["nchw", "nhwc"]).default("nchw"),
      preprocess: onnxPreprocess.nullable().default(null),
      prompt: onnxPrompt.nullable().default(null).transform((prompt) =>
        prompt?.tokenizer ? { ...prompt, tokenizer: folder.parse(prompt.tokenizer) } : prompt
      ),
    }),
    z.strictObject({
      type: z.literal("paper"),
      name: z.enum(PAPER_REWARDS as [string, ...string[]]),
      weights: folder.nullable().default(null),
    }),
    z.strictObject({ type: z.literal("brightness"), sign }),
    z.strictObject({ type: z.literal("colorfulness"), sign }),
    z.strictObject({ type: z.literal("compressibility"), sign }),
    z.strictObject({
      type: z.literal("target_color"),
      color: z.tuple([z.number(), z.number(), z.number()].map((n) => n.min(0).max(1)) as [
        z.ZodNumber,
        z.ZodNumber,
        z.ZodNumber,
      ]),
    }),
  ] as const;
}

/** A reward that is made of nothing else. */
export type LeafRewardConfig = z.output<ReturnType<typeof leaves>[number]>;

/** Members by name. */
export type RewardMembers = Readonly<Record<string, RewardConfig>>;

/** Several rewards as one, or one that is changed. */
export type CompositeRewardConfig =
  | {
    readonly type: "sum";
    readonly members: RewardMembers;
    readonly weights: Readonly<Record<string, number>>;
    readonly held_out: string | null;
  }
  | {
    readonly type: "ensemble";
    readonly members: RewardMembers;
    readonly rule: "mean" | "worst" | "uncertainty";
    readonly uncertainty: number;
    readonly held_out: string | null;
  }
  | {
    readonly type: "routed";
    readonly members: RewardMembers;
    readonly words: Readonly<Record<string, readonly string[]>>;
    readonly otherwise: string;
  }
  | { readonly type: "margin"; readonly reward: RewardConfig; readonly margin: number }
  | {
    readonly type: "clipped";
    readonly reward: RewardConfig;
    readonly min: number | null;
    readonly max: number | null;
  }
  | { readonly type: "normalized"; readonly reward: RewardConfig; readonly decay: number; readonly min_std: number }
  | { readonly type: "standardized"; readonly reward: RewardConfig; readonly mean: number; readonly std: number };

/** A reward: a text is the file of one that was learned from preferences. */
export type RewardConfig = string | LeafRewardConfig | CompositeRewardConfig;

/**
 * The schema of a reward.
 *
 * @param input The field of a file that must exist.
 * @param folder The field of a path.
 * @returns A file, or a strict object told apart by `type`.
 */
export function rewardSchema(
  input: z.ZodType<string, string>,
  folder: z.ZodType<string, string>,
): z.ZodType<RewardConfig, unknown> {
  // Of a union, errors would speak of the alternative that was not meant
  const reward: z.ZodType<RewardConfig, unknown> = z.unknown().transform((value, context) => {
    const isText = typeof value === "string";
    if (!isText && (typeof value !== "object" || value === null || Array.isArray(value))) {
      const message = "expected the file of a learned reward, or an object with a type";
      context.issues.push({ code: "custom", message, input: value, continue: true });
      return z.NEVER;
    }
    const result = (isText ? input : object).safeParse(value, { reportInput: true });
    if (result.success) return result.data;
    for (const issue of result.error.issues) context.issues.push({ ...issue } as z.core.$ZodRawIssue);
    return z.NEVER;
  });
  const members = z.record(name, reward).refine((all) => Object.keys(all).length > 0, {
    error: "expected at least one reward by name",
  });
  const object: z.ZodType<Exclude<RewardConfig, string>, unknown> = z.discriminatedUnion("type", [
    ...leaves(input, folder),
    z.strictObject({
      type: z.literal("sum"),
      members,
      weights: z.record(z.string(), z.number()).default({}),
      held_out: z.string().nullable().default(null),
    }),
    z.strictObject({
      type: z.literal("ensemble"),
      members,
      rule: z.enum(["mean", "worst", "uncertainty"]).default("mean"),
      uncertainty: z.number().nonnegative().default(0.5),
      held_out: z.string().nullable().default(null),
    }),
    z.strictObject({
      type: z.literal("routed"),
      members,
      words: z.record(z.string(), z.array(z.string().min(1)).min(1)),
      otherwise: z.string(),
    }),
    z.strictObject({ type: z.literal("margin"), reward, margin: z.number().default(2) }),
    z.strictObject({
      type: z.literal("clipped"),
      reward,
      min: z.number().nullable().default(null),
      max: z.number().nullable().default(null),
    }).refine(({ min, max }) => min === null || max === null || min < max, {
      error: "expected less than max",
      path: ["min"],
    }),
    z.strictObject({
      type: z.literal("normalized"),
      reward,
      decay: z.number().min(0).lt(1).default(0.99),
      min_std: z.number().positive().default(1e-4),
    }),
    z.strictObject({ type: z.literal("standardized"), reward, mean: z.number(), std: z.number().positive() }),
  ]).superRefine((config, context) => {
    for (const [path, value, expected] of strangers(config)) {
      context.addIssue({ code: "custom", path, message: `expected ${expected}`, input: value });
    }
  });
  return reward;
}

/** Names in a composition that are none of its members, and members that take no part. */
function strangers(config: Exclude<RewardConfig, string>): [string[], unknown, string][] {
  if (!("members" in config)) return [];
  const names = Object.keys(config.members), listed = `one of ${names.join(", ")}`;
  const found: [string[], unknown, string][] = [];
  const check = (path: string[], name: string) => {
    if (!names.includes(name)) found.push([path, name, listed]);
  };
  if (config.type === "sum") { for (const key of Object.keys(config.weights)) check(["weights", key], key); }
  if (config.type === "routed") {
    for (const key of Object.keys(config.words)) check(["words", key], key);
    check(["otherwise"], config.otherwise);
    const idle = names.find((key) => key !== config.otherwise && !(key in config.words));
    if (idle !== undefined) found.push([["words", idle], undefined, "the words that lead to it"]);
    return found;
  }
  if (config.held_out !== null) check(["held_out"], config.held_out);
  if (names.every((key) => key === config.held_out)) {
    found.push([["members"], names, "a member beside the one that is held out"]);
  }
  return found;
}
