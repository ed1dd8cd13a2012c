import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError } from "./config_error.ts";
import { firstDifference, loadConfig, parseConfig } from "./load_config.ts";
import { applyOverrides } from "./override.ts";
import { resolvePath } from "./paths.ts";

const base = new URL(".", import.meta.url).pathname;

const teacher = {
  stage: "teacher",
  steps: 10,
  batch_size: 2,
  data: { module: "config_test.ts" },
  model: {
    network: "dit",
    config: {
      num_attention_heads: 2,
      attention_head_dim: 8,
      num_layers: 1,
      in_channels: 3,
      out_channels: 3,
      sample_size: 8,
      patch_size: 4,
      caption_channels: 8,
    },
  },
  parameterisation: { type: "edm" },
  optimizer: { lr: 1e-3 },
};

function refusal(value: unknown): string {
  return assertThrows(() => parseConfig(value, base, "test.json"), ConfigError).message;
}

Deno.test("defaults are filled in and paths made absolute", () => {
  const config = parseConfig(teacher, base, "test.json");
  assertEquals(config.seed, 0);
  assertEquals(config.checkpoint, { every: 100, keep: 3 });
  assertEquals("data" in config && "module" in config.data && config.data.module, `${base}config_test.ts`);
});

for (
  const [what, change, expected] of [
    ["an unknown key", { step: 3 }, "step is not a known key"],
    ["a nested unknown key", { optimizer: { lr: 1, beta: 2 } }, "optimizer.beta is not a known key"],
    ["a wrong type", { steps: "many" }, 'steps is "many", expected a number'],
    ["a fraction", { steps: 1.5 }, "steps is 1.5, expected an integer"],
    ["a value out of range", { optimizer: { lr: -1 } }, "optimizer.lr is -1, expected more than 0"],
    ["a missing value", { batch_size: undefined }, "batch_size is missing, expected a number"],
    ["an unknown choice", { parameterisation: { type: "flow" } }, 'parameterisation.type is "flow", expected "edm"'],
    ["an unknown stage", { stage: "tune" }, 'stage is "tune", expected "teacher", "clip"'],
    ["a file that is not there", { data: { module: "none.ts" } }, 'none.ts": no such file'],
    ["a network that does not fit", { model: { network: "dit", config: {} } }, "caption_channels"],
    ["a pair of three", { optimizer: { lr: 1, betas: [0.1, 0.2, 0.3] } }, "optimizer.betas"],
    [
      "f16 arithmetic on other factors",
      { arithmetic: "f16" },
      'arithmetic is "f16": with precision "f32" there are no f16 factors to multiply',
    ],
    ["a null", { seed: null }, "seed is null, expected a number"],
  ] as const
) {
  Deno.test(`${what} is refused by path, value and expectation`, () => {
    assertStringIncludes(refusal({ ...teacher, ...change }), expected);
  });
}

Deno.test("all problems are reported at once", () => {
  const message = refusal({ ...teacher, steps: 0, batch_size: -1 });
  assertStringIncludes(message, "steps is 0, expected more than 0");
  assertStringIncludes(message, "batch_size is -1");
});

Deno.test("something that is no object is refused", () => {
  assertStringIncludes(refusal(3), "the configuration is 3, expected an object");
});

Deno.test("files that are missing or are not JSON are refused", async () => {
  await assertRejects(() => loadConfig("/nowhere.json"), ConfigError, "no such file");
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "{");
  await assertRejects(() => loadConfig(path), ConfigError, "is not JSON");
  await Deno.remove(path);
});

Deno.test("overrides are JSON where they can be", () => {
  const config = { a: { b: 1 }, c: "x" };
  assertEquals(
    applyOverrides(config, ["a.b=[1,2]", "c=word", "d.e=null", "f=a=b"]),
    { a: { b: [1, 2] }, c: "word", d: { e: null }, f: "a=b" },
  );
  assertEquals(config.a.b, 1);
  for (const wrong of ["a", "=1", "a..b=1", "c.d=1", "__proto__.x=1"]) {
    assertThrows(() => applyOverrides(config, [wrong]), ConfigError, "--set");
  }
});

Deno.test("paths resolve against a directory and keep odd characters", () => {
  assertEquals(resolvePath("/a/b", "../c d%20#?.json"), "/a/c d%20#?.json");
  assertEquals(resolvePath("/a/b/", "c.json"), "/a/b/c.json");
  assertEquals(resolvePath("/a/b", "/c"), "/c");
});

Deno.test("what a run computes may not change when it goes on", () => {
  const config = { seed: 1, steps: 5, optimizer: { lr: 1 } };
  assertEquals(firstDifference(config, { ...config, steps: 9 }), undefined);
  assertEquals(
    firstDifference(config, { ...config, optimizer: { lr: 2 } }),
    "optimizer.lr was 1 and is 2",
  );
});
