// Checkpoints under the names and in the shapes that were released, at full size, against the networks that load them:
// the files are made of holes, and only what describes the tensors is read.

import { checkpointReport, flattenParams, openTensors, type Params } from "@dipp/nn";
import {
  AestheticHead,
  CLIP_CONFIGS,
  CLIPModel,
  IMAGE_REWARD_CONFIG,
  ImageRewardNetwork,
  openClipSource,
} from "@dipp/rewards";
import { init, key } from "@dipp/tensor";
import { assertEquals } from "@std/assert";
import { writeSparseTorchFile } from "../packages/nn/testing/sparse_torch_file.ts";

await init();

type Shapes = ReadonlyMap<string, readonly number[]>;

/** A list of released names and shapes. */
async function released(name: string): Promise<Shapes> {
  const file = await Deno.open(new URL(`../testdata/keys/${name}.tsv.gz`, import.meta.url));
  const text = await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).text();
  return new Map(
    text.trim().split("\n").map((line) => {
      const [key, shape] = line.split("\t");
      return [key, JSON.parse(shape)] as const;
    }),
  );
}

/** The shapes that the restricted reader finds in a file of these. */
async function throughReader(
  file: string,
  shapes: Shapes,
  entry?: string,
): Promise<Map<string, { shape: readonly number[] }>> {
  const folder = await Deno.makeTempDir();
  try {
    await writeSparseTorchFile(`${folder}/${file}`, shapes, entry);
    using opened = await openTensors(`${folder}/${file}`);
    const found = new Map([...opened.tensors].map(([name, { shape }]) => [name, { shape }]));
    // A part of a hole, far behind the first two gigabytes where there are so many
    const last = [...opened.tensors.values()].at(-1)!;
    assertEquals((await last.read(0, Math.min(3, last.size))).dtype, "F32");
    return found;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const FITS = { missing: [], unexpected: [], misshapen: [] };

/** What CLIPModel wants of a file with open_clip's names. */
function asOpenClip(template: Params): Shapes {
  const wanted = new Map<string, readonly number[]>();
  for (const [path, { shape }] of flattenParams(template)) {
    const { name, third, transpose } = openClipSource(path);
    const [rows, ...rest] = shape;
    wanted.set(name, third !== undefined ? [3 * rows, ...rest] : transpose ? shape.toReversed() : shape);
  }
  return wanted;
}

Deno.test("ImageReward.pt fits the network through the restricted reader", async () => {
  const network = new ImageRewardNetwork(IMAGE_REWARD_CONFIG);
  const tensors = await throughReader("ImageReward.pt", await released("imagereward_v1"));
  assertEquals(checkpointReport(network.init(key(0)), tensors, { ignore: network.ignored }), FITS);
});

Deno.test("HPS_v2.1_compressed.pt, nested and in open_clip's layout, fits CLIP's ViT-H/14", async () => {
  const tensors = await throughReader("HPS.pt", await released("hpsv2_openclip_vit_h14"), "state_dict");
  const wanted = asOpenClip(new CLIPModel(CLIP_CONFIGS["ViT-H/14"]).init(key(0)));
  assertEquals(
    new Map([...tensors].map(([name, { shape }]) => [name, shape]).sort() as [string, number[]][]),
    new Map([...wanted].sort()),
  );
});

Deno.test("PickScore and CLIP ViT-L/14 fit in transformers' layout", async () => {
  for (const [list, config] of [["pickscore_hf_clip_vit_h14", "ViT-H/14"], ["hf_clip_vit_l14", "ViT-L/14"]] as const) {
    const network = new CLIPModel(CLIP_CONFIGS[config]);
    const tensors = new Map([...await released(list)].map(([name, shape]) => [name, { shape }]));
    assertEquals(checkpointReport(network.init(key(0)), tensors, { ignore: network.ignored }), FITS, list);
  }
});

Deno.test("the aesthetic head's .pth fits its five layers", async () => {
  const widths = [768, 1024, 128, 64, 16, 1];
  const shapes = new Map([0, 2, 4, 6, 7].flatMap((layer, i): [string, number[]][] => [
    [`layers.${layer}.weight`, [widths[i + 1], widths[i]]],
    [`layers.${layer}.bias`, [widths[i + 1]]],
  ]));
  const tensors = await throughReader("sac+logos+ava1-l14-linearMSE.pth", shapes);
  assertEquals(checkpointReport(new AestheticHead().init(key(0)), tensors), FITS);
});
