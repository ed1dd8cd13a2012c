import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { z } from "zod";
import { ConfigError, configError } from "./config_error.ts";
import { paths } from "./fields.ts";
import { type RewardConfig, rewardSchema } from "./reward_schema.ts";

const base = new URL(".", import.meta.url).pathname;
const { input, output } = paths(base);
const schema = z.strictObject({ reward: rewardSchema(input, output) });

/** A reward as a configuration has it, checked. */
function parse(reward: unknown): RewardConfig {
  const result = schema.safeParse({ ...(reward === undefined ? {} : { reward }) }, { reportInput: true });
  if (!result.success) throw configError(result.error.issues, "test.json");
  return result.data.reward;
}

const file = "fields.ts";
const bright = { type: "brightness" };

Deno.test("a reward is a file, or an object with its defaults filled in and its paths absolute", () => {
  assertEquals(parse(file), `${base}${file}`);
  assertEquals(parse({ type: "onnx", path: file, prompt: "ids", preprocess: { size: 8 } }), {
    type: "onnx",
    path: `${base}${file}`,
    input: null,
    output: null,
    index: null,
    layout: "nchw",
    preprocess: {
      size: 8,
      fit: "crop",
      crop: "torchvision",
      antialias: true,
      clamp: false,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    },
    prompt: { input: "ids", mask: null, tokenizer: null },
  });
  const nested = parse({
    type: "sum",
    members: { taste: file, bright: { type: "margin", reward: { type: "normalized", reward: bright } } },
    held_out: "bright",
  });
  assertEquals(nested, {
    type: "sum",
    members: {
      taste: `${base}${file}`,
      bright: {
        type: "margin",
        margin: 2,
        reward: { type: "normalized", reward: { type: "brightness", sign: 1 }, decay: 0.99, min_std: 1e-4 },
      },
    },
    weights: {},
    held_out: "bright",
  });
  assertEquals(parse(nested), nested, "what a run has written down is itself a configuration");
});

for (
  const [what, reward, message] of [
    ["no reward", undefined, "reward is missing: expected the file of a learned reward, or an object with a type"],
    ["a list", [file], 'reward is ["fields.ts"]: expected the file of a learned reward'],
    ["a file that is not there", "none.ts", 'none.ts": no such file'],
    ["an unknown type", { type: "beauty" }, 'reward.type is "beauty", expected "preference", "onnx"'],
    ["an unknown key", { type: "onnx", path: file, inputs: "x" }, "reward.inputs is not a known key"],
    ["an ONNX file that is not there", { type: "onnx", path: "a.onnx" }, 'a.onnx": no such file'],
    ["a number for a name", { type: "onnx", path: file, input: 3 }, "reward.input is 3, expected a string"],
    [
      "a deviation of nothing",
      { type: "onnx", path: file, preprocess: { std: [1, 0, 1] } },
      "reward.preprocess.std.1 is 0, expected more than 0",
    ],
    ["a paper that is not known", { type: "paper", name: "taste" }, 'reward.name is "taste", expected "imagereward"'],
    ["a colour out of range", { type: "target_color", color: [0, 0, 2] }, "reward.color.2 is 2, expected at most 1"],
    [
      "a member deep inside",
      { type: "ensemble", members: { a: bright, b: { type: "margin", reward: { type: "clipped", reward: 7 } } } },
      "reward.members.b.reward.reward is 7: expected the file of a learned reward",
    ],
    ["no member", { type: "sum", members: {} }, "reward.members is {}: expected at least one reward by name"],
    [
      "a weight of nobody",
      { type: "sum", members: { a: bright }, weights: { b: 2 } },
      'reward.weights.b is "b": expected one of a',
    ],
    [
      "a stranger held out",
      { type: "ensemble", members: { a: bright }, held_out: "b" },
      'reward.held_out is "b": expected one of a',
    ],
    [
      "nothing to train on",
      { type: "sum", members: { a: bright }, held_out: "a" },
      'reward.members is ["a"]: expected a member beside the one that is held out',
    ],
    [
      "a route to nowhere",
      { type: "routed", members: { a: bright, b: bright }, words: { c: ["x"] }, otherwise: "b" },
      "reward.words.a is missing: expected the words that lead to it",
    ],
    ["bounds the wrong way round", { type: "clipped", reward: bright, min: 1, max: 0 }, "reward.min is"],
  ] as const
) {
  Deno.test(`${what} is refused by path, value and expectation`, () => {
    assertStringIncludes(assertThrows(() => parse(reward), ConfigError).message, message);
  });
}
