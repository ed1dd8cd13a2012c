import { OPERATORS } from "../../packages/onnx/operators/mod.ts";
import { init } from "@dipp/tensor";
import { assertEquals } from "@std/assert";
import { checkModel } from "./compare.ts";
import { isAvailable } from "./oracle.ts";
import { linesOf } from "./report.ts";
import { ModelBuilder } from "./testing/model_builder.ts";
import { FAMILIES } from "./testing/operator_models.ts";

await init();
const ignore = !await isAvailable();

Deno.test("every operator is compared", () => {
  const all = Object.entries(OPERATORS).flatMap(([domain, table]) => Object.keys(table).map((op) => `${domain}:${op}`));
  const builders = FAMILIES.map(({ opset, build }) => {
    const builder = new ModelBuilder(opset);
    build(builder);
    return builder;
  });
  // Constants are folded, and in every case of conformance
  const compared = new Set([":Constant", ...builders.flatMap((builder) => [...builder.operators])]);
  assertEquals(all.filter((op) => !compared.has(op)), []);
});

for (const { name, opset, build } of FAMILIES) {
  Deno.test({
    name: `${name} are what onnxruntime-web computes`,
    ignore,
    fn: async () => {
      const builder = new ModelBuilder(opset);
      build(builder);
      const path = await Deno.makeTempFile({ suffix: ".onnx" });
      try {
        await Deno.writeFile(path, builder.bytes());
        const report = await checkModel(path, { bound: 2e-5 });
        assertEquals(report.nodes.filter((n) => !(n.error <= report.bound)), [], linesOf(report).at(-1));
      } finally {
        await Deno.remove(path);
      }
    },
  });
}
