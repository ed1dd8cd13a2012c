import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Device, explain, init, tensor } from "@dipp/tensor";
import type { Stage } from "../run/stage.ts";
import { CONFIGS, start } from "../testing/command.ts";
import { checkArithmetic, withArithmetic } from "./arithmetic.ts";

const device = await init();
const ignore = !device.features.has("shader-f16");

Deno.test("f16 arithmetic on an adapter without it is refused by what is missing", () => {
  const without = { name: "a card", features: new Set(["subgroups"]) } as unknown as Device;
  checkArithmetic({ arithmetic: "f32" }, { device: without });
  assertThrows(
    () => checkArithmetic({ arithmetic: "f16" }, { device: without }),
    TypeError,
    'arithmetic is "f16", but a card lacks the feature shader-f16',
  );
});

Deno.test({
  name: "the products of a stage's step are multiplied in what its configuration says",
  ignore,
  fn: () => {
    const x = tensor(Float32Array.from({ length: 64 }, (_, i) => i / 64), [8, 8], "f16");
    const stage = { update: () => ({ y: x.cast("f32").matmul(x.cast("f32")) }) } as unknown as Stage;
    const labels = (arithmetic: "f32" | "f16") =>
      explain(withArithmetic(stage, arithmetic).update({}).y).kernels.map((k) => k.label);
    assertEquals(labels("f16"), ["matmul in f16 [8, 8]"]);
    assertEquals(labels("f32"), ["matmul [8, 8]"]);
  },
});

Deno.test({
  name: "train --explain shows the products of a mixed-precision step that are multiplied in f16, gradients included",
  ignore,
  fn: async () => {
    const precision = ["--set", "precision=f16", "--set", "arithmetic=f16"];
    const { code, stdout, stderr } = await start("train", `${CONFIGS}clip.json`, "--explain", ...precision).finished();
    assertEquals(code, 0, stderr);
    for (const what of ["matmul", "conv2d forward", "conv2d weightGrad"]) {
      assertStringIncludes(stdout, `${what} in f16`);
    }
  },
});
