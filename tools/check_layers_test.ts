import { assertEquals } from "@std/assert";
import { wrongImports } from "./check_layers.ts";

const check = (name: string, folder: string, path: string, source: string) =>
  wrongImports(name, folder, `${folder}/${path}`, source).length;

Deno.test("wrongImports() lets imports run downwards only", () => {
  const objectives = ["@dipp/objectives", "packages/objectives"] as const;
  assertEquals(check(...objectives, "a.ts", `from "@dipp/tensor";`), 0);
  assertEquals(check(...objectives, "a.ts", `from "@dipp/scores/vp";`), 0);
  assertEquals(check(...objectives, "a.ts", `from "@dipp/metrics";`), 1);
  assertEquals(check(...objectives, "a.ts", `await import("@dipp/train")`), 1);
});

Deno.test("wrongImports() keeps relative imports inside the package", () => {
  const nn = ["@dipp/nn", "packages/nn"] as const;
  assertEquals(check(...nn, "a.ts", `from "./b.ts";`), 0);
  assertEquals(check(...nn, "layers/a.ts", `from "../b.ts";`), 0);
  assertEquals(check(...nn, "a.ts", `from "../tensor/mod.ts";`), 1);
});

Deno.test("wrongImports() lets a folder into another that it may know, and into no third", () => {
  const conformance = ["conformance", "conformance"] as const;
  assertEquals(check(...conformance, "areas/a.ts", `from "../../examples/gaussian/b.ts";`), 0);
  assertEquals(check(...conformance, "areas/a.ts", `from "../../tools/b.ts";`), 1);
});
