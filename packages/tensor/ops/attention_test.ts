import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  arange,
  grad,
  key,
  randn,
  realize,
  scaledDotProductAttention,
  type Tensor,
  tensor,
  type TypedArray,
  vjp,
  zeros,
} from "../mod.ts";
import { evaluate } from "../reference/interpreter.ts";
import { nodesBelow } from "../reference/leaves.ts";
import { schedule } from "../schedule/schedule.ts";
import { assertClose, numericalGradient } from "../testing.ts";
import { attentionFormula } from "./attention_formula.ts";
import { fusedAttention } from "./attention_fused.ts";

type MaskKind = "none" | "bool" | "boolRows" | "added" | "addedPerKey";

/** Operands of an attention, in memory, with q and k as views of [B, L, H, D]. */
async function operands([b, h, rows, keys, d, e]: number[], mask: MaskKind) {
  const byHead = (n: number, l: number, w: number) => randn(key(n), [b, l, h, w]);
  const [q, k, v, g] = [byHead(1, rows, d), byHead(2, keys, d), byHead(3, keys, e), byHead(4, rows, e)];
  const kept = (shape: number[]) => {
    // The first key stays, so that no row is left without any
    const first = arange(keys, "i32").eq(0);
    return randn(key(5), shape).gt(-0.3).logicalOr(first.expand(shape));
  };
  const masks: Record<MaskKind, Tensor | undefined> = {
    none: undefined,
    bool: kept([b, 1, 1, keys]),
    boolRows: kept([rows, keys]),
    added: randn(key(6), [1, h, rows, keys]),
    addedPerKey: randn(key(7), [b, 1, 1, keys]),
  };
  const m = masks[mask];
  await realize(q, k, v, g, ...(m ? [m] : []));
  return {
    leaves: [q, k, v],
    heads: [q, k, v].map((t) => t.permute([0, 2, 1, 3])),
    g: g.permute([0, 2, 1, 3]),
    mask: m,
  };
}

const GRID: [string, number[], MaskKind, boolean][] = [
  ["one block", [1, 1, 8, 8, 8, 8], "none", false],
  ["odd sizes", [2, 3, 37, 41, 20, 12], "none", false],
  ["one key", [1, 2, 5, 1, 8, 8], "none", false],
  ["one query", [2, 2, 1, 70, 16, 16], "bool", false],
  ["a wide head", [1, 1, 40, 33, 160, 96], "none", false],
  ["two rows each", [2, 4, 100, 70, 32, 40], "none", false],
  ["causal", [2, 2, 77, 77, 16, 16], "none", true],
  ["causal, more keys", [1, 2, 19, 45, 16, 16], "none", true],
  ["causal, more queries", [2, 4, 90, 50, 32, 32], "none", true],
  ["padding mask", [2, 2, 21, 35, 24, 24], "bool", false],
  ["mask of rows, causal", [2, 2, 43, 43, 24, 24], "boolRows", true],
  ["learned bias", [2, 3, 33, 47, 16, 16], "added", false],
  ["bias of keys, causal", [2, 2, 47, 47, 16, 16], "addedPerKey", true],
];

for (const [name, sizes, kind, causal] of GRID) {
  Deno.test(`attention and its gradients agree with the formula: ${name}`, async () => {
    const { leaves, heads: [q, k, v], g, mask } = await operands(sizes, kind);
    // Scores of about one, as attention has
    const options = { mask, causal, scale: 1.2 / Math.sqrt(sizes[4]) };
    const wrt = [...leaves, ...(kind.startsWith("added") ? [mask!] : [])];
    const everywhere = mask?.expand([...q.shape.slice(0, 3), k.shape[2]]);
    const [formula, ...others] = [
      attentionFormula(q, k, v, options),
      scaledDotProductAttention(q, k, v, options),
      // No scores are few enough to be stored
      fusedAttention(q, k, v, { ...options, mask: everywhere }, 0),
    ].map((out) => [out, ...vjp([out], [g], wrt)]);
    const given = new Map<Tensor, TypedArray>();
    for (const t of nodesBelow(formula)) if (t.storage) given.set(t, await t.data());
    const expected = evaluate(formula, { given });
    await realize(...others.flat());
    for (const actual of others) {
      for (const [i, what] of ["result", "dq", "dk", "dv", "dmask"].entries()) {
        if (!actual[i]) continue;
        const got = await actual[i].data();
        // With one key, gradients of scores are differences of equal numbers of about one
        if (expected[i].every((x) => Math.abs(x) < 1e-12)) assert(got.every((x) => Math.abs(x) < 2e-6), what);
        else assertClose(got, expected[i], 2e-5, what);
      }
    }
  });
}

Deno.test("attention's gradient agrees with finite differences in float64", async () => {
  const [rows, keys, d, e] = [3, 4, 2, 3];
  const [q, k, v, g] = [
    randn(key(1), [1, 1, rows, d]),
    randn(key(2), [1, 1, keys, d]),
    randn(key(3), [1, 1, keys, e]),
    randn(key(4), [1, 1, rows, e]),
  ];
  const values = await Promise.all([q, k, v, g].map((t) => t.data()));
  const loss = (x: Float64Array) => {
    const [at, to] = [rows * d, rows * d + keys * d];
    let total = 0;
    for (let i = 0; i < rows; i++) {
      const p = Array.from({ length: keys }, (_, j) => {
        let s = 0;
        for (let c = 0; c < d; c++) s += x[i * d + c] * x[at + j * d + c];
        return Math.exp(s * 0.7);
      });
      const sum = p.reduce((a, b) => a + b);
      for (let j = 0; j < keys; j++) {
        for (let c = 0; c < e; c++) total += p[j] / sum * x[to + j * e + c] * values[3][i * e + c];
      }
    }
    return total;
  };
  const expected = numericalGradient(loss, values.slice(0, 3).flatMap((x) => [...x]));
  const gradients = vjp([scaledDotProductAttention(q, k, v, { scale: 0.7 })], [g], [q, k, v]);
  const actual = (await Promise.all(gradients.map((t) => t.data()))).flatMap((x) => [...x]);
  assertClose(actual, expected, 1e-5, "gradient");
});

for (const kind of ["boolRows", "added"] as const) {
  Deno.test(`the kernels' gradients agree with the reference in float64, mask ${kind}`, async () => {
    const { leaves, heads: [q, k, v], g, mask } = await operands([2, 2, 9, 9, 6, 5], kind);
    const everywhere = mask!.expand([2, 2, 9, 9]);
    const out = fusedAttention(q, k, v, { mask: everywhere, causal: true, scale: 0.3 }, 0);
    const wanted = [out, ...vjp([out], [g], leaves)];
    await realize(...wanted);
    const known = [...leaves, mask!, g.inputs[0]];
    const given = new Map(await Promise.all(known.map(async (t) => [t, await t.data()] as const)));
    const expected = evaluate(wanted, { given });
    for (const [i, t] of wanted.entries()) assertClose(await t.data(), expected[i], 1e-5, `output ${i}`);
  });
}

Deno.test("second derivatives of attention agree with the formula's", async () => {
  const { leaves, heads: [q, k, v], g, mask } = await operands([1, 2, 9, 11, 8, 6], "added");
  const wrt = [...leaves, mask!, g];
  const options = { mask, scale: 0.5, causal: false };
  const penalties = [scaledDotProductAttention, attentionFormula].map((attention) => {
    const first = vjp([attention(q, k, v, options)], [g], [...leaves, mask!]);
    return grad(first.map((t, i) => t.square().sum().mul(i + 1)).reduce((a, b) => a.add(b)), wrt);
  });
  await realize(...penalties.flat());
  for (const [i, what] of ["q", "k", "v", "mask", "g"].entries()) {
    assertClose(await penalties[0][i].data(), await penalties[1][i].data(), 5e-5, what);
  }
});

Deno.test("a second derivative passes through keys that queries are made of", async () => {
  const x = await randn(key(1), [1, 1, 6, 4]).realize();
  const [actual, expected] = [scaledDotProductAttention, attentionFormula].map((attention) => {
    const k = x.mul(2);
    const out = attention(k.tanh(), k, x, { scale: 0.5, causal: false });
    const [first] = grad(out.square().sum(), [x]);
    return grad(first.square().sum(), [x])[0];
  });
  assertClose(await actual.data(), await expected.data(), 5e-5, "second derivative");
});

Deno.test("a row with every key masked gives the mean of the values, and no gradient to q and k", async () => {
  const [q, k, v] = [1, 2, 3].map((n) => randn(key(n), [1, 1, 5, 4]));
  const mask = tensor([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1, 0, 1, 0], [1, 1, 1, 1, 1]]).cast(
    "bool",
  );
  const out = scaledDotProductAttention(q, k, v, { mask });
  const mean = await v.mean(2).data();
  assertClose(await out.slice([null, null, [1, 2]]).data(), mean, 1e-6, "row");
  const [dq, dv] = grad(out.slice([null, null, [1, 2]]).sum(), [q, v]);
  assertEquals([...await dq.data()].every((x) => x === 0), true);
  assertClose(await dv.data(), new Float32Array(20).fill(0.2), 1e-6, "dv");
});

Deno.test("scores far from zero neither overflow nor lose the small differences between them", async () => {
  const q = tensor([[[[100, 1]]]]);
  const k = tensor([[[[1000, 0], [1000, 1], [-1000, 5]]]]);
  const v = tensor([[[[1], [2], [1e6]]]]);
  const out = scaledDotProductAttention(q, k, v, { scale: 1 });
  const e = Math.E;
  assertClose(await out.data(), [(1 + 2 * e) / (1 + e)], 1e-6, "result");
  const p = e / (1 + e);
  assertClose(await grad(out, [v])[0].data(), [1 - p, p, 0], 1e-6, "gradient");
});

Deno.test("leading axes broadcast, and there may be any number of them", async () => {
  const [q, k, v] = [randn(key(1), [3, 5, 4]), randn(key(2), [2, 1, 7, 4]), randn(key(3), [7, 6])];
  const out = scaledDotProductAttention(q, k, v);
  assertEquals(out.shape, [2, 3, 5, 6]);
  const expected = attentionFormula(q, k, v, { scale: 0.5, causal: false });
  assertClose(await out.data(), await expected.data(), 1e-5, "result");
  const rows = (t: TypedArray) => [...t];
  const flat = scaledDotProductAttention(randn(key(1), [5, 4]), randn(key(2), [7, 4]), v);
  assertEquals([flat.shape, rows(await flat.data()).length], [[5, 6], 30]);
});

Deno.test("half-precision operands give a result of their dtype", async () => {
  const [q, k, v] = [1, 2, 3].map((n) => randn(key(n), [1, 2, 9, 8]));
  const half = [q, k, v].map((t) => t.cast("f16"));
  const out = scaledDotProductAttention(half[0], half[1], half[2]);
  assertEquals(out.dtype, "f16");
  const exact = await scaledDotProductAttention(q, k, v).data();
  assertClose(new Float32Array(await out.data()), exact, 4e-3, "result");
});

Deno.test("no kernel of a long attention or its gradients writes as many elements as there are scores", async () => {
  const { leaves, heads: [q, k, v], g } = await operands([2, 2, 1100, 1100, 8, 8], "none");
  const out = scaledDotProductAttention(q, k, v).permute([0, 2, 1, 3]).reshape([2, 1100, 16]).add(0);
  const gradients = vjp([out], [g.permute([0, 2, 1, 3]).reshape([2, 1100, 16])], leaves).map((t) => t.mul(2));
  const kernels = schedule([out, ...gradients], { kind: "software", maxBuffers: 8, subgroup: 8 });
  assertEquals(kernels.filter((k) => k.root.size >= 2 * 2 * 1100 * 1100), []);
  // Three passes, the row sums, and what was asked for: heads are split and merged without copies
  assertEquals(kernels.length, 8);
});

Deno.test("attention refuses operands that do not belong together", () => {
  const [a, b] = [zeros([1, 1, 3, 4]), zeros([1, 1, 3, 5])];
  assertThrows(() => scaledDotProductAttention(a, b, a), RangeError, "[1, 1, 3, 5]");
  assertThrows(() => scaledDotProductAttention(a, a, zeros([1, 1, 2, 4])), RangeError, "[..., Lk, E]");
  assertThrows(() => scaledDotProductAttention(a.cast("i32"), a, a), TypeError, "q is i32");
  assertThrows(() => scaledDotProductAttention(a, a, a, { mask: zeros([3, 3], "i32") }), TypeError, "mask of i32");
  assertThrows(() => scaledDotProductAttention(a, a, a, { scale: NaN }), RangeError, "scale NaN");
  assertThrows(() => scaledDotProductAttention(zeros([4]), a, a), RangeError, "q has shape [4]");
});
