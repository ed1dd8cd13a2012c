/** Whole files, to be broken. */
import { serialiseSafetensors } from "@dipp/nn";
import { p, pickle, zip } from "../../packages/nn/testing/torch_file.ts";

/** A file and its format. */
export interface Seed {
  /** The reader that it is for. */
  readonly format: "safetensors" | "torch";
  /** The bytes that are broken. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Makes the file of them; by default they are the file. */
  readonly wrap?: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
}

const TESTDATA = new URL("../../testdata/torch/", import.meta.url);

/** Safetensors files of several shapes and types, and what torch.save wrote. */
export function corpus(): Seed[] {
  const data = Float32Array.from({ length: 24 }, (_, i) => i);
  const small = { a: { dtype: "F32", shape: [4, 6], data }, b: { dtype: "BF16", shape: [24], data } } as const;
  const safetensors = [
    serialiseSafetensors(small, { format: "pt" }),
    serialiseSafetensors({ i: { dtype: "I64", shape: [], data: new BigInt64Array(1) }, ...small }),
    serialiseSafetensors({ e: { dtype: "U8", shape: [0, 7], data: new Uint8Array(0) } }),
    serialiseSafetensors({}),
  ];
  const torch = ["dtypes.bin", "nested.pth", "evil.bin"].map((name) => Deno.readFileSync(new URL(name, TESTDATA)));
  // The archive is seldom whole once its bytes are broken, so some break only what lies in it
  const storage = new Uint8Array(data.buffer);
  const inside: Seed[] = [
    pickle(...p.dict({ a: p.tensor("0", 24, [4, 6], [6, 1]), b: p.tensor("0", 24, [3, 2], [1, 12], 2) })),
    pickle(...p.dict({ state_dict: p.dict({ a: p.tensor("0", 24, [2], [3], 20) }), step: p.int(7) })),
  ].map((bytes) => ({
    format: "torch",
    bytes,
    wrap: (broken) => zip([["x/data.pkl", broken], ["x/data/0", storage]], { zip64: broken.length % 2 === 0 }),
  }));
  return [
    ...inside,
    ...safetensors.map((bytes): Seed => ({ format: "safetensors", bytes })),
    ...torch.map((bytes): Seed => ({ format: "torch", bytes })),
  ];
}
