import { assertEquals } from "@std/assert";
import { documentationProblems } from "./check_publish.ts";

Deno.test("documentationProblems() keeps our mistakes and leaves npm's types", () => {
  const text = [
    "error[missing-jsdoc]: exported symbol is missing JSDoc documentation",
    "  --> /dipp/a.ts:3:1",
    "   | ",
    "",
    "error[private-type-ref]: public type 'x' references private type 'ZodType'",
    "  --> /dipp/b.ts:1:1",
    "",
    "error: Found 2 documentation lint errors.",
  ].join("\n");
  assertEquals(documentationProblems(text), [
    "error[missing-jsdoc]: exported symbol is missing JSDoc documentation --> /dipp/a.ts:3:1",
  ]);
  assertEquals(documentationProblems(""), []);
});
