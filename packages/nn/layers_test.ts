// The layers that are one engine call: names, shapes and defaults.

import { assertEquals, assertThrows } from "@std/assert";
import { init, key, tensor } from "@dipp/tensor";
import * as conv2d from "./conv2d.ts";
import * as embedding from "./embedding.ts";
import * as groupNorm from "./group_norm.ts";
import { normal } from "./init.ts";
import * as layerNorm from "./layer_norm.ts";
import * as linear from "./linear.ts";
import { flattenParams, type Params, realizeParams } from "./params.ts";
import { assertRows, linearRows, rows } from "./reference.ts";
import * as timestepEmbedding from "./timestep_embedding.ts";

const shapes = (params: Params) => [...flattenParams(params)].map(([name, t]) => `${name} [${t.shape}]`);

Deno.test("linear", async () => {
  await init();
  const params = await realizeParams(linear.init(key(0), 3, 4));
  assertEquals(shapes(params), ["weight [4,3]", "bias [4]"]);
  assertEquals(shapes(linear.init(key(0), 3, 4, { bias: false })), [
    "weight [4,3]",
  ]);
  const x = await normal(key(1), [2, 5, 3]).realize();
  await assertRows(
    linear.apply(params, x),
    await linearRows(params, await rows(x)),
  );
});

Deno.test("conv2d is a linear map of each patch", async () => {
  await init();
  const params = await realizeParams(conv2d.init(key(0), 2, 3, [2, 3]));
  assertEquals(shapes(params), ["weight [3,2,2,3]", "bias [3]"]);
  const x = await normal(key(1), [1, 2, 4, 6]).realize();
  const y = conv2d.apply(params, x, { stride: [2, 3] });
  assertEquals(y.shape, [1, 3, 2, 2]);
  const patches = x.reshape([2, 2, 2, 2, 3]).permute([1, 3, 0, 2, 4])
    .reshape([4, 12]);
  const flat = { weight: params.weight.reshape([3, 12]), bias: params.bias };
  await assertRows(
    y.reshape([3, 4]).transpose(0, 1),
    await linearRows(flat, await rows(patches)),
  );
  assertThrows(
    () => conv2d.init(key(0), 2, 4, 3, { groups: 4 }),
    RangeError,
    "4 groups, expected a divisor of its 2 input and 4 output channels",
  );
});

Deno.test("norms scale and shift, and their eps is the one given", async () => {
  await init();
  assertEquals(shapes(groupNorm.init(4)), ["weight [4]", "bias [4]"]);
  assertEquals(shapes(layerNorm.init(4)), ["weight [4]", "bias [4]"]);
  const values = [1e-3, -1e-3, 3e-3, -3e-3];
  const normalise = (eps: number, affine: boolean) => {
    const root = Math.sqrt(5e-6 + eps);
    return values.map((v, i) => v / root * (affine ? i + 1 : 1) + (affine ? i : 0));
  };
  const affine = { weight: tensor([1, 2, 3, 4]), bias: tensor([0, 1, 2, 3]) };
  for (const params of [affine, {}]) {
    const isAffine = params === affine;
    const row = tensor(values, [1, 4]);
    for (const eps of [1e-5, 1e-6]) {
      const expected = [normalise(eps, isAffine)];
      await assertRows(layerNorm.apply(params, row, eps), expected);
      const image = row.reshape([1, 4, 1, 1]);
      await assertRows(groupNorm.apply(params, image, 1, eps), expected);
    }
    const expected = [normalise(1e-5, isAffine)];
    await assertRows(layerNorm.apply(params, row), expected);
    await assertRows(
      groupNorm.apply(params, row.reshape([1, 4, 1, 1]), 1),
      expected,
    );
  }
});

Deno.test("embedding", async () => {
  await init();
  const params = await realizeParams(embedding.init(key(0), 5, 3));
  assertEquals(shapes(params), ["weight [5,3]"]);
  const table = await rows(params.weight);
  const ids = tensor(new Int32Array([4, 0, 4, 2]), [2, 2]);
  const y = embedding.apply(params, ids);
  assertEquals(y.shape, [2, 2, 3]);
  await assertRows(y, [4, 0, 4, 2].map((id) => table[id]), 0);
});

Deno.test("timestep embedding", async () => {
  await init();
  const params = await realizeParams(timestepEmbedding.init(key(0), 4, 8, 6));
  assertEquals(shapes(params), [
    "linear_1.weight [8,4]",
    "linear_1.bias [8]",
    "linear_2.weight [6,8]",
    "linear_2.bias [6]",
  ]);
  const x = await normal(key(1), [3, 4], 3).realize();
  const hidden = await linearRows(params.linear_1, await rows(x));
  const silu = hidden.map((row) => row.map((v) => v / (1 + Math.exp(-v))));
  await assertRows(
    timestepEmbedding.apply(params, x),
    await linearRows(params.linear_2, silu),
  );
});
