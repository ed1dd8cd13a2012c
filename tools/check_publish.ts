/**
 * Checks that every package could be published as it stands: its exports pass
 * the documentation lint, it has a README with an example, and a dry run of
 * publishing succeeds. Needs no network.
 *
 * @module
 */

import { type Package, readPackages } from "./workspace.ts";

async function deno(args: string[]): Promise<boolean> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) {
    const text = new TextDecoder();
    console.error(`deno ${args.join(" ")}`);
    console.error(text.decode(stdout) + text.decode(stderr));
  }
  return success;
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

const packages = readPackages();
const problems: string[] = [];
for (const one of packages) {
  const problem = readmeProblem(one);
  if (problem) problems.push(problem);
  if (!await deno(["doc", "--lint", "--quiet", ...one.entries])) {
    problems.push(`${one.name}: the documentation lint fails`);
  }
}
if (!await deno(["publish", "--dry-run", "--allow-dirty", "--quiet"])) {
  problems.push("deno publish --dry-run fails");
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) Deno.exit(1);
console.log(`publish: ${packages.length} packages are ready`);
