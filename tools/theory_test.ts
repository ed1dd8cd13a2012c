import { assert } from "@std/assert";

const DOCS = new URL("../docs/", import.meta.url);
const text = Deno.readTextFileSync(new URL("theory.md", DOCS));

Deno.test("docs/theory.md links to files that are there, and to symbols that they declare", () => {
  const links = [...text.matchAll(/\[([^\]]*)\]\((?!https?:)([^)#]+)\)/g)];
  let symbols = 0;
  for (const [, label, path] of links) {
    const file = new URL(path, DOCS);
    assert(Deno.statSync(file).isFile, path);
    const symbol = /^`(\w+)`$/.exec(label)?.[1];
    if (!symbol || !path.endsWith(".ts")) continue;
    symbols++;
    const declared = new RegExp(`^export (async )?(function|const|class|interface|type) ${symbol}\\b`, "m");
    assert(declared.test(Deno.readTextFileSync(file)), `${path} does not declare ${symbol}`);
  }
  assert(symbols >= 20, `${symbols} symbols are linked`);
});
