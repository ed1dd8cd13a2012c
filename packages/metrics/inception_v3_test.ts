import { assertEquals, assertThrows } from "@std/assert";
import { parameterCount } from "@dipp/nn";
import { init, type Tensor, tensor, treeMap } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import { inceptionInput } from "./inception_input.ts";
import { InceptionV3 } from "./inception_v3.ts";

await init();

/** Numbers in [-1/2, 1/2) that any language computes alike. */
function noise(count: number, seed: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    const x = Math.sin(i * 12.9898 + seed * 78.233) * 43758.5453;
    return x - Math.floor(x) - 0.5;
  });
}

Deno.test("InceptionV3 has the parameters of torchvision's with 1008 classes and without its auxiliary head", () => {
  // 21,785,568 of the convolutions and normalisations, 34,432 running statistics, and the last layer
  assertEquals(parameterCount(new InceptionV3().init()), 21_785_568 + 34_432 + 2048 * 1008 + 1008);
  assertThrows(() => new InceptionV3({ divisor: 3 }), RangeError, "divisor is 3");
});

Deno.test("InceptionV3 agrees with torchvision's blocks, patched as pytorch-fid patches them", async () => {
  const network = new InceptionV3({ divisor: 16 });
  const names: string[] = [];
  treeMap<Tensor, Tensor>(network.init(), (leaf, path) => (names.push(path), leaf));
  names.sort();
  const params = treeMap<Tensor, Tensor>(network.init(), (leaf, path) => {
    const raw = noise(leaf.size, names.indexOf(path) + 1);
    const scale = Math.sqrt(24 / (leaf.size / leaf.shape[0]));
    const value = /conv\.weight$|^fc\.weight$/.test(path)
      ? (x: number) => scale * x
      : /bn\.weight$|running_var$/.test(path)
      ? (x: number) => 1 + x
      : (x: number) => 0.2 * x;
    return tensor(Float32Array.from(raw, value), leaf.shape);
  }) as ReturnType<InceptionV3["init"]>;
  const x = tensor(Float32Array.from(noise(3 * 75 * 75, 0), (v) => 2 * v), [1, 3, 75, 75]);
  const { features, logits } = network.apply(params, x);
  const every = async (t: Tensor, n: number) => [...await t.data()].filter((_, i) => i % n === 0);
  // torch 2.13, torchvision 0.28 in float64
  const expected = [
    [0.0, 0.0, 0.00818882181959194, 0.0, 0.0, 0.10174133807425201, 0.08656172103074647, 0.0],
    [
      -0.1577435788147347,
      0.0867961627115808,
      0.0872102157721835,
      0.19902004647613894,
      0.01707801858249526,
      -0.004940391148983703,
      0.16035591583258166,
      -0.07395261442738925,
      -0.08735175018257801,
      0.16703572247204293,
      -0.3046695309559903,
    ],
  ];
  assertClose(await every(features, 16), expected[0], 1e-4, "features");
  assertClose(await every(logits, 100), expected[1], 1e-4, "logits");
});

Deno.test("inceptionInput() brings images to 299 pixels as the two programs do", async () => {
  const x = tensor(Float32Array.from(noise(3 * 7 * 5, 4), (v) => v + 0.5), [1, 3, 7, 5]);
  const at = async (way: "clean-fid" | "pytorch-fid") => {
    const y = inceptionInput(x, way);
    assertEquals(y.shape, [1, 3, 299, 299]);
    const data = await y.data();
    return [0, 1, 150 * 299 + 77, 299 * 299 + 200 * 299 + 31, 3 * 299 * 299 - 1].map((i) => data[i]);
  };
  assertClose(
    await at("clean-fid"),
    [
      -0.7419804334640503,
      -0.7404971718788147,
      -0.5133483409881592,
      0.1364426612854004,
      0.7637522220611572,
    ],
    1e-5,
    "clean-fid",
  );
  assertClose(
    await at("pytorch-fid"),
    [
      -0.577161431312561,
      -0.577161431312561,
      -0.45886060268857276,
      0.07146323877313465,
      0.6880571842193604,
    ],
    1e-5,
    "pytorch-fid",
  );
});
