/**
 * Checks that imports run one way, downwards: a package may import those below
 * it and nothing beside or above it, and no file of another package by path.
 * Tests and examples in comments count too.
 *
 * @module
 */

import { readPackages, walk } from "./workspace.ts";

// What each package may import, by the layers of docs/architecture.md.
const BELOW: Record<string, readonly string[]> = {
  "@dipp/kernels": [],
  "@dipp/tensor": ["@dipp/kernels"],
  "@dipp/nn": ["@dipp/kernels", "@dipp/tensor"],
  "@dipp/scores": ["@dipp/tensor", "@dipp/nn"],
  "@dipp/onnx": ["@dipp/tensor", "@dipp/nn"],
  "@dipp/rewards": ["@dipp/tensor", "@dipp/nn", "@dipp/scores", "@dipp/onnx"],
  "@dipp/objectives": [
    "@dipp/tensor",
    "@dipp/nn",
    "@dipp/scores",
    "@dipp/rewards",
  ],
  "@dipp/metrics": [
    "@dipp/tensor",
    "@dipp/nn",
    "@dipp/scores",
    "@dipp/rewards",
  ],
  "@dipp/train": [
    "@dipp/tensor",
    "@dipp/nn",
    "@dipp/scores",
    "@dipp/onnx",
    "@dipp/rewards",
    "@dipp/objectives",
    "@dipp/metrics",
  ],
  conformance: [
    "examples", // whose closed forms it compares with
    "@dipp/tensor",
    "@dipp/nn",
    "@dipp/scores",
    "@dipp/onnx",
    "@dipp/rewards",
    "@dipp/objectives",
    "@dipp/metrics",
    "@dipp/train",
  ],
};

/** Folders that import packages and are none: nothing is published of them. */
const UNPUBLISHED = [{ name: "conformance", folder: "conformance" }];

const IMPORT = /\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g;

/** What is wrong with the imports of one file of a package, if anything. */
export function wrongImports(
  name: string,
  folder: string,
  path: string,
  source: string,
): string[] {
  const wrong: string[] = [];
  const depth = path.slice(folder.length + 1).split("/").length - 1;
  for (const [, target] of source.matchAll(IMPORT)) {
    if (target!.startsWith(".")) {
      const up = target!.split("/").filter((part) => part === "..").length;
      const [, into] = new URL(target!, `file:///${path}`).pathname.split("/");
      if (up > depth && !BELOW[name]?.includes(into)) wrong.push(`${path}: "${target}" leaves ${name}`);
    } else if (target!.startsWith("@dipp/")) {
      const other = target!.split("/").slice(0, 2).join("/");
      if (other !== name && !BELOW[name]?.includes(other)) {
        wrong.push(`${path}: ${name} may not import ${other}`);
      }
    }
  }
  return wrong;
}

if (import.meta.main) {
  const wrong: string[] = [];
  for (const { name, folder } of [...readPackages(), ...UNPUBLISHED]) {
    if (!(name in BELOW)) {
      wrong.push(`${name} has no layer in ${import.meta.url}`);
    }
    for (const path of walk(folder)) {
      if (!path.endsWith(".ts")) continue;
      wrong.push(
        ...wrongImports(name, folder, path, Deno.readTextFileSync(path)),
      );
    }
  }
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) Deno.exit(1);
  console.log("layers: every import runs downwards");
}
