import { assertEquals } from "@std/assert";
import { OPERATORS } from "./mod.ts";

Deno.test("the README lists the operators that there are", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const table = readme.slice(readme.indexOf("| activations |"), readme.indexOf("### Limits"));
  const listed = table.split("\n").flatMap((row) => {
    const domain = row.startsWith("| com.microsoft") ? "com.microsoft" : "";
    return [...row.matchAll(/`(\w+)`/g)].map(([, name]) => `${domain}:${name}`);
  });
  const there = Object.entries(OPERATORS).flatMap(([domain, table]) =>
    Object.keys(table).map((name) => `${domain}:${name}`)
  );
  // If is no function of tensors: it chooses between graphs
  assertEquals(listed.sort(), [...there, ":If"].sort());
});
