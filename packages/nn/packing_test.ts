import { assertEquals, assertThrows } from "@std/assert";
import { flattenParams, gradTree, Packing, type Params } from "./mod.ts";
import { init, type Tensor, tensor } from "@dipp/tensor";

await init();

const tree = (): { [name: string]: Params } => ({
  blocks: [{ weight: tensor([[1, 2], [3, 4]]), bias: tensor([5, 6]) }, { weight: tensor([[7, 8]]) }],
  scale: tensor([9]),
});

Deno.test("Packing puts each group into one vector and takes it out again", async () => {
  const params = tree();
  const packing = new Packing(params, (_, t) => t.ndim > 1 ? "matrices" : "vectors");
  const packed = packing.pack(params);
  assertEquals(packing.groups, ["matrices", "vectors"]);
  assertEquals([...await packed.matrices.data()], [1, 2, 3, 4, ...Array(60).fill(0), 7, 8]);
  assertEquals([...await packed.vectors.data()], [5, 6, ...Array(62).fill(0), 9]);
  const unpacked = flattenParams(packing.unpack(packed));
  for (const [path, value] of flattenParams(params)) {
    assertEquals(await unpacked.get(path)!.data(), await value.data());
    assertEquals(unpacked.get(path)!.shape, value.shape);
  }
});

Deno.test("gradients of unpacked parameters pack in the order of the parameters", async () => {
  const packing = new Packing(tree());
  const packed = packing.pack(tree());
  const params = packing.unpack(packed) as { blocks: { weight: Tensor; bias: Tensor }[]; scale: Tensor };
  const loss = params.blocks[0].weight.sum().add(params.blocks[0].bias.square().sum()).add(params.scale.mul(3).sum());
  const gradients = packing.pack(gradTree<Params>(loss, params));
  const elements = await gradients.all.data() as Float32Array;
  assertEquals([...packing.dense("all", elements)], [1, 1, 1, 1, 10, 12, 0, 0, 3]);
});

Deno.test("dense() leaves out what lies between parameters, spread() puts it back, both refuse other lengths", async () => {
  const packing = new Packing(tree());
  const packed = await packing.pack(tree()).all.data() as Float32Array;
  const dense = packing.dense("all", packed);
  assertEquals([...dense], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(packing.spread("all", dense), packed);
  assertThrows(() => packing.dense("all", dense), RangeError, `group "all" has 9 elements, expected ${packed.length}`);
  assertThrows(() => packing.spread("all", packed), RangeError, `has ${packed.length} elements, expected 9`);
  assertThrows(() => packing.spread("biases", dense), RangeError, 'There is no group "biases", expected one of all');
});
