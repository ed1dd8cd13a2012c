/**
 * Checks that every package could be published as it stands: its exports pass
 * the documentation lint, it has a README with an example, and a dry run of
 * publishing succeeds. Needs no network.
 *
 * @module
 */

import { type Package, readPackages } from "./workspace.ts";

interface Outcome {
  success: boolean;
  /** What it said, on both streams. */
  text: string;
}

async function deno(args: string[]): Promise<Outcome> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/**
 * The mistakes in what `deno doc --lint` printed. A type of an npm package that
 * an export mentions is public where it comes from: not a mistake.
 */
export function documentationProblems(text: string): string[] {
  return text.split(/^(?=error\[)/m)
    .filter((part) => part.startsWith("error[") && !/references private type 'Zod\w*'/.test(part))
    .map((part) => part.split("\n").slice(0, 2).join(" ").replace(/\s+/g, " ").trim());
}

function readmeProblem({ folder, name }: Package): string | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`${folder}/README.md`);
  } catch {
    return `${folder}/README.md is missing`;
  }
  if (!text.startsWith(`# ${name}\n`)) {
    return `${folder}/README.md does not begin with "# ${name}"`;
  }
  if (!/^```ts/m.test(text)) return `${folder}/README.md has no example`;
}

if (import.meta.main) {
  const packages = readPackages();
  const problems = packages.map(readmeProblem).filter((problem) => problem !== undefined);

  // All entries at once: a type that one package exports is public to the others
  const doc = await deno(["doc", "--lint", "--quiet", ...packages.flatMap((one) => one.entries)]);
  const mistakes = documentationProblems(doc.text);
  problems.push(...mistakes);
  if (!doc.success && !/Found \d+ documentation lint error/.test(doc.text)) problems.push(doc.text);

  const publish = await deno(["publish", "--dry-run", "--allow-dirty", "--quiet"]);
  if (!publish.success) problems.push(`deno publish --dry-run fails\n${publish.text}`);

  for (const problem of problems) console.error(problem);
  if (problems.length > 0) Deno.exit(1);
  console.log(`publish: ${packages.length} packages are ready`);
}
