import { assertEquals, assertThrows } from "@std/assert";
import { init, key, type Tensor, tensor } from "@dipp/tensor";
import * as attention from "./attention.ts";
import type { AttentionParams } from "./attention.ts";
import { normal } from "./init.ts";
import { flattenParams, realizeParams } from "./params.ts";
import { assertRows, linearRows, type Matrix, rows } from "./reference.ts";

type Bias = (b: number, head: number, query: number, key: number) => number;

/** Attention in float64, with what is added to each logit. */
async function reference(
  params: AttentionParams,
  x: Tensor,
  context: Tensor,
  heads: number,
  bias: Bias,
): Promise<Matrix> {
  const q = await linearRows(params.to_q, await rows(x));
  const k = await linearRows(params.to_k, await rows(context));
  const v = await linearRows(params.to_v, await rows(context));
  const [batch, queries] = x.shape;
  const keys = context.shape[1];
  const width = q[0].length / heads;
  const joined: Matrix = [];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < queries; i++) {
      const out: number[] = [];
      for (let h = 0; h < heads; h++) {
        const weights = Array.from({ length: keys }, (_, j) => {
          let dot = 0;
          for (let c = h * width; c < (h + 1) * width; c++) {
            dot += q[b * queries + i][c] * k[b * keys + j][c];
          }
          return Math.exp(dot / Math.sqrt(width) + bias(b, h, i, j));
        });
        const total = weights.reduce((a, w) => a + w);
        for (let c = h * width; c < (h + 1) * width; c++) {
          out.push(weights.reduce((s, w, j) => s + w * v[b * keys + j][c], 0) / total);
        }
      }
      joined.push(out);
    }
  }
  return linearRows(params.to_out[0], joined);
}

Deno.test("self-attention matches float64", async () => {
  await init();
  const params = await realizeParams(
    attention.init(key(0), { queryDim: 12, heads: 3, bias: true }),
  );
  assertEquals([...flattenParams(params).keys()], [
    "to_q.weight",
    "to_q.bias",
    "to_k.weight",
    "to_k.bias",
    "to_v.weight",
    "to_v.bias",
    "to_out.0.weight",
    "to_out.0.bias",
  ]);
  const x = await normal(key(1), [2, 5, 12], 3).realize();
  await assertRows(
    attention.apply(params, x, { heads: 3 }),
    await reference(params, x, x, 3, () => 0),
  );
});

Deno.test("cross-attention matches float64 with every form of mask", async () => {
  await init();
  const params = await realizeParams(
    attention.init(key(0), {
      queryDim: 10,
      crossAttentionDim: 7,
      heads: 2,
      dimHead: 4,
    }),
  );
  assertEquals(params.to_k.weight.shape, [8, 7]);
  assertEquals(params.to_k.bias, undefined);
  const x = await normal(key(1), [2, 3, 10], 3).realize();
  const context = await normal(key(2), [2, 4, 7], 3).realize();
  const keep = new Uint8Array([1, 1, 0, 1, 0, 1, 1, 1]);
  const added = Float32Array.from(keep, (k) => k ? 0 : -10000);
  const dropped: Bias = (b, _h, _i, j) => keep[4 * b + j] ? 0 : -Infinity;
  const each = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
  const perQuery: Bias = (b, _h, i, j) => each[12 * b + 4 * i + j];
  const head = Float32Array.from({ length: 8 }, (_, i) => Math.cos(i));
  const perHead: Bias = (_b, h, _i, j) => head[4 * h + j];
  const cases: [Tensor | undefined, Bias][] = [
    [undefined, () => 0],
    [tensor(keep, [2, 4]), dropped],
    [tensor(keep, [2, 1, 4]), dropped],
    [tensor(keep, [2, 1, 1, 4]), dropped],
    [tensor(added, [2, 4]), dropped],
    [tensor(each, [2, 3, 4]), perQuery],
    [tensor(head, [1, 2, 1, 4]), perHead],
  ];
  for (const [mask, bias] of cases) {
    await assertRows(
      attention.apply(params, x, { heads: 2, context, mask }),
      await reference(params, x, context, 2, bias),
    );
  }
});

Deno.test("heads and masks that do not fit are refused", () => {
  assertThrows(
    () => attention.init(key(0), { queryDim: 10, heads: 3 }),
    RangeError,
    "3 heads, expected a divisor of queryDim, which is 10",
  );
  const params = attention.init(key(0), { queryDim: 4, heads: 1 });
  const x = normal(key(1), [1, 2, 4]);
  assertThrows(
    () => attention.apply(params, x, { heads: 1, mask: tensor([1, 1]) }),
    RangeError,
    "mask has shape [2], expected 2, 3 or 4 axes",
  );
});
