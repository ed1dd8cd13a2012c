import { assertEquals, assertThrows } from "@std/assert";
import { parameterCount } from "@dipp/nn";
import { init, type Tensor, tensor, treeMap } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import { lpipsLayers } from "./lpips_distance.ts";
import { LpipsNetwork, type LpipsParams } from "./lpips_network.ts";

await init();

/** Numbers in [-1/2, 1/2) that any language computes alike. */
function noise(count: number, seed: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    const x = Math.sin(i * 12.9898 + seed * 78.233) * 43758.5453;
    return x - Math.floor(x) - 0.5;
  });
}

// torch 2.13, torchvision 0.28 in float64, on its own sequence of layers with a sixteenth of the channels
const EXPECTED = {
  alex: [0.4904077258965184, 0.05599907621743249, 0.016445461459776278, 0.011349882304538551, 0.0056671629683637086],
  vgg: [0.6273475860179558, 0.4364199960250501, 0.10293707348013761, 0.020097846632276088, 0.008715300352941725],
};

for (const backbone of ["alex", "vgg"] as const) {
  Deno.test(`LpipsNetwork: distances of ${backbone} agree with torchvision's layers`, async () => {
    const network = new LpipsNetwork(backbone, { divisor: 16 });
    const names: string[] = [];
    treeMap<Tensor, Tensor>(network.init(), (leaf, path) => (names.push(path), leaf));
    names.sort();
    const params = treeMap<Tensor, Tensor>(network.init(), (leaf, path) => {
      const scale = path.startsWith("lin") ? 1 : leaf.ndim > 1 ? Math.sqrt(24 / (leaf.size / leaf.shape[0])) : 0.2;
      const offset = path.startsWith("lin") ? 0.5 : 0;
      const value = (x: number) => offset + scale * x;
      return tensor(Float32Array.from(noise(leaf.size, names.indexOf(path) + 1), value), leaf.shape);
    }) as LpipsParams;
    const images = tensor(Float32Array.from(noise(2 * 3 * 64 * 64, 0), (v) => v + 0.5), [2, 3, 64, 64]);
    const maps = network.layers(params, images);
    const of = (i: number) => maps.map((map) => map.slice([[i, i + 1]]));
    const parts = lpipsLayers(of(0), of(1), network.weights(params));
    assertClose(await Promise.all(parts.map((part) => part.item())), EXPECTED[backbone], 1e-4, backbone);
  });
}

Deno.test("LpipsNetwork has the parameters of torchvision's features and of the release", () => {
  const released = { alex: 2_469_696 + 64 + 192 + 384 + 256 + 256, vgg: 14_714_688 + 64 + 128 + 256 + 512 + 512 };
  for (const backbone of ["alex", "vgg"] as const) {
    assertEquals(parameterCount(new LpipsNetwork(backbone).init()), released[backbone]);
  }
  assertThrows(() => new LpipsNetwork("squeeze" as "vgg"), RangeError, 'backbone is "squeeze", expected alex or vgg');
});
