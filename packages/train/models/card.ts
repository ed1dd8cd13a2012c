/** Cards: what a person should know of a checkpoint. */
import { writeAtomic } from "@dipp/nn";
import type { ModelDescription } from "./model_description.ts";

const WHAT = {
  teacher: "Text-conditioned diffusion model: the reference that a one-step generator is distilled from.",
  generator: "One-step generator: noise and a prompt in, an image out.",
  fake: "Score network of a one-step generator's own images, to go on aligning it from.",
  clip: "Contrastive image-text model: measures whether an image shows its prompt.",
  preference: "Reward model, learned with Bradley-Terry from preference pairs.",
};

/**
 * Writes the card of a checkpoint beside it.
 *
 * @param path The checkpoint; `.md` takes the place of its ending.
 * @param description What it says of itself.
 */
export async function writeCard(path: string, description: ModelDescription): Promise<void> {
  const { kind, model, parameterisation, sigma_init, image_size, provenance, vocabulary } = description;
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.safetensors$/, "");
  const rows: [string, string][] = [
    ["Made by", `\`${provenance.command}\``],
    ["Seed, steps", `${provenance.seed}, ${provenance.steps}`],
    ["Hardware", provenance.hardware],
    ["Date", provenance.date],
    ["Data", provenance.data],
    ["Images", `${image_size}x${image_size} RGB`],
    ["Words", `${vocabulary.words.length}, at most ${vocabulary.maxLength} a prompt`],
    ...sigma_init === undefined ? [] : [["Noise level", `${sigma_init}`] as [string, string]],
    ...Object.entries(provenance.results).map(([k, v]): [string, string] => [k, JSON.stringify(v)]),
  ];
  const text = `# ${name}

${WHAT[kind]}

| | |
|---|---|
${rows.map(([k, v]) => `| ${k} | ${v.replaceAll("|", "\\|")} |`).join("\n")}

The weights are bf16, MIT-licensed like dipp; the pictures that they imitate keep their own licences.

\`\`\`json
${JSON.stringify({ model, ...(parameterisation ? { parameterisation } : {}) }, null, 2)}
\`\`\`
`;
  await writeAtomic(path.replace(/\.safetensors$/, "") + ".md", text);
}
