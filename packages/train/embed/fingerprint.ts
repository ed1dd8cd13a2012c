/** What embeddings are computed from, in a few characters. */
import type { DiffusersDirectory } from "@dipp/scores";

/**
 * A digest of everything that decides what a file of embeddings holds: the prompts, the configurations and tokenizers, and
 * the weights by their names, sizes and times, since reading them all would take as long as encoding.
 *
 * @param directory The directory of the text encoder.
 * @param settings What else counts; a JSON value.
 * @returns 32 hexadecimal digits.
 */
export async function embeddingFingerprint(directory: DiffusersDirectory, settings: unknown): Promise<string> {
  const parts = [JSON.stringify(settings)];
  for (const component of [...directory.components.keys()].sort()) {
    if (!/^(text_encoder|tokenizer)/.test(component)) continue;
    const folder = `${directory.path}/${component}`;
    const names = [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => name).sort();
    for (const name of names) {
      const { size, mtime } = await Deno.stat(`${folder}/${name}`);
      const isSmall = /\.(json|txt)$/.test(name);
      const content = isSmall ? await Deno.readTextFile(`${folder}/${name}`) : `${mtime?.getTime()}`;
      parts.push(`${component}/${name} ${size} ${content}`);
    }
  }
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(parts.join("\n")));
  return new Uint8Array(digest).toHex().slice(0, 32);
}
