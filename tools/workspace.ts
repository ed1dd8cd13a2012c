/** The packages of the workspace, read off its configuration. @module */

/** One package of the workspace. */
export interface Package {
  /** Its name, `@dipp/tensor`. */
  name: string;
  /** Its folder, relative to the root. */
  folder: string;
  /** The files it exports, relative to the root. */
  entries: string[];
}

interface PackageConfig {
  name: string;
  exports: string | Record<string, string>;
}

/** Reads the packages that the root `deno.json` lists, in its order. */
export function readPackages(): Package[] {
  const root = JSON.parse(Deno.readTextFileSync("deno.json")) as {
    workspace: string[];
  };
  return root.workspace.map((member) => {
    const folder = member.replace(/^\.\//, "");
    const config = JSON.parse(
      Deno.readTextFileSync(`${folder}/deno.json`),
    ) as PackageConfig;
    const files = typeof config.exports === "string" ? [config.exports] : Object.values(config.exports);
    return {
      name: config.name,
      folder,
      entries: files.map((file) => `${folder}/${file.replace(/^\.\//, "")}`),
    };
  });
}

/** Every file under a folder, node_modules and hidden folders left out. */
export function* walk(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* walk(path);
    else if (entry.isFile) yield path;
  }
}
