import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { fold, init, key, mseLoss, randn, type Tensor, treeEntries, treeLeaves, treeMap } from "@dipp/tensor";
import { assertClose, numericalGradient } from "@dipp/tensor/testing";
import * as conv2d from "./conv2d.ts";
import * as linear from "./linear.ts";
import { initLora, mergeLora, withLora } from "./lora.ts";
import { matchesTarget } from "./lora_targets.ts";
import { flattenParams, gradTree, type Params, realizeParams } from "./params.ts";

await init();

const CONFIG = { rank: 2, alpha: 3, targets: ["conv", "fc.1"] };
const base = await realizeParams({
  conv: conv2d.init(key(0), 3, 4, [3, 2]),
  fc: [linear.init(key(1), 5, 5), linear.init(key(2), 8, 5, { bias: false })],
});
const x = await randn(key(3), [2, 3, 5, 4]).realize();

/** A convolution with stride and padding, then a linear layer. */
function network(params: typeof base): Tensor {
  const h = conv2d.apply(params.conv, x, { stride: 2, padding: [1, 0] }).tanh();
  return linear.apply(params.fc[1], h.permute([0, 2, 3, 1]).reshape([2, -1, 8]));
}

/** Factors of which neither is zero. */
function someFactors(config = CONFIG): Promise<Params> {
  let n = 0;
  return realizeParams(
    treeMap<Tensor, Tensor>(initLora(key(4), base, config), ({ shape }) => randn(fold(key(5), n++), shape)) as Params,
  );
}

Deno.test("factors have peft's names and shapes, A of Kaiming's uniform rule and B zero", async () => {
  const lora = await realizeParams(initLora(key(4), base, { ...CONFIG, rank: 64 }));
  assertEquals(treeEntries<Tensor>(lora).map(([path, t]) => `${path} [${t.shape}]`), [
    "conv.lora_A.weight [64,3,3,2]",
    "conv.lora_B.weight [4,64,1,1]",
    "fc.1.lora_A.weight [64,8]",
    "fc.1.lora_B.weight [5,64]",
  ]);
  const [convA, convB, fcA, fcB] = await Promise.all(treeLeaves<Tensor>(lora).map((t) => t.data()));
  assertEquals([...convB, ...fcB].every((b) => b === 0), true);
  for (const [values, fanIn] of [[convA, 18], [fcA, 8]] as const) {
    const bound = 1 / Math.sqrt(fanIn);
    assertEquals([...values].every((a) => Math.abs(a) <= bound), true);
    const variance = [...values].reduce((sum, a) => sum + a * a, 0) / values.length;
    assertClose([variance], [bound * bound / 3], 0.15, "the variance");
  }
  assertNotEquals(convA.slice(0, 8), fcA.slice(0, 8));
});

Deno.test("fresh factors leave the network as it is", async () => {
  const lora = await realizeParams(initLora(key(4), base, CONFIG));
  assertEquals(await network(withLora(base, lora, CONFIG)).data(), await network(base).data());
});

Deno.test("merged weights give what factors beside the weights give", async () => {
  const lora = await someFactors();
  const merged = mergeLora(base, lora, CONFIG);
  assertEquals([...flattenParams(merged).keys()], [...flattenParams(base).keys()]);
  const [beside, sum, without] = await Promise.all(
    [withLora(base, lora, CONFIG), merged, base].map((params) => network(params).data()),
  );
  assertClose(beside, sum, 1e-5, "the output");
  assertNotEquals(beside, without);
});

Deno.test("gradients reach the factors alone, and are those of finite differences", async () => {
  const lora = await someFactors();
  const target = await randn(key(6), network(base).shape).realize();
  const loss = (factors: Params) => mseLoss(network(withLora(base, factors, CONFIG)), target);
  const grads = gradTree(loss(lora), lora);
  assertEquals([...flattenParams(grads).keys()], [...flattenParams(lora).keys()]);

  // The same network in double precision on the host, as a function of the factors
  const host = async (t: Tensor) => Float64Array.from(await t.data());
  const [weight, bias, fc, pixels, wanted] = await Promise.all(
    [base.conv.weight, base.conv.bias!, base.fc[1].weight, x, target].map(host),
  );
  const entries = treeEntries<Tensor>(lora);
  const values = await Promise.all(entries.map(([, t]) => host(t)));
  const scale = CONFIG.alpha / CONFIG.rank;
  const merge = (w: Float64Array, a: Float64Array, b: Float64Array) => {
    const width = a.length / CONFIG.rank;
    return w.map((v, i) => {
      const [o, j] = [Math.floor(i / width), i % width];
      let sum = v;
      for (let r = 0; r < CONFIG.rank; r++) sum += scale * b[o * CONFIG.rank + r] * a[r * width + j];
      return sum;
    });
  };
  const hostLoss = ([convA, convB, fcA, fcB]: readonly Float64Array[]) => {
    const [w, v] = [merge(weight, convA, convB), merge(fc, fcA, fcB)];
    const hidden: number[] = [];
    for (let b = 0; b < 2; b++) {
      for (let row = 0; row < 3; row++) {
        for (let column = 0; column < 2; column++) {
          for (let o = 0; o < 4; o++) {
            let sum = bias[o];
            for (let c = 0; c < 3; c++) {
              for (let i = 0; i < 3; i++) {
                for (let j = 0; j < 2; j++) {
                  const y = 2 * row + i - 1, at = ((b * 3 + c) * 5 + y) * 4 + 2 * column + j;
                  if (y >= 0 && y < 5) sum += w[((o * 3 + c) * 3 + i) * 2 + j] * pixels[at];
                }
              }
            }
            hidden.push(Math.tanh(sum));
          }
        }
      }
    }
    let total = 0;
    for (let t = 0; t < hidden.length / 8; t++) {
      for (let o = 0; o < 5; o++) {
        let sum = 0;
        for (let k = 0; k < 8; k++) sum += v[o * 8 + k] * hidden[t * 8 + k];
        total += (sum - wanted[t * 5 + o]) ** 2;
      }
    }
    return total / wanted.length;
  };
  const computed = await Promise.all(treeLeaves<Tensor>(grads).map((t) => t.data()));
  assertClose([await loss(lora).item()], [hostLoss(values)], 1e-5, "the loss");
  entries.forEach(([path], i) => {
    const numerical = numericalGradient((point) => hostLoss(values.with(i, Float64Array.from(point))), values[i]);
    assertClose(computed[i], numerical, 1e-4, `the gradient of ${path}`);
  });
});

Deno.test("a base of 16 bits is merged in f32 and keeps its dtype", async () => {
  const half = treeMap<Tensor, Tensor>(base, (t) => t.ndim > 1 ? t.cast("bf16") : t) as typeof base;
  const lora = await someFactors();
  const merged = mergeLora(half, lora, CONFIG);
  assertEquals(treeLeaves<Tensor>(merged).map((t) => t.dtype), treeLeaves<Tensor>(half).map((t) => t.dtype));
  const [beside, sum] = await Promise.all(
    [withLora(half, lora, CONFIG), merged].map((params) => network(params).data()),
  );
  // The sum is rounded to 8 bits once more
  assertClose(beside, sum, 0.03, "the output");
});

Deno.test("targets are whole paths, ends of paths, or an expression", () => {
  const path = "mid_block.attentions.0.attn1.to_out.0";
  for (const targets of [["to_out.0"], ["attn1.to_out.0"], [path], "mid_block\\..*\\.to_out\\.0"]) {
    assertEquals(matchesTarget(path, targets), true, `${targets}`);
  }
  for (const targets of [["out.0"], ["to_out"], [], "to_out\\.0", "attn1|attn2"]) {
    assertEquals(matchesTarget(path, targets), false, `${targets}`);
  }
  assertThrows(() => matchesTarget(path, "to_(q"), SyntaxError, 'targets "to_(q", expected a regular expression');
});

Deno.test("what cannot be added to is refused by name", () => {
  const start = (config: object, params: Params = base) => () => initLora(key(0), params, { ...CONFIG, ...config });
  assertThrows(start({ rank: 0 }), RangeError, "rank 0, expected a positive integer");
  assertThrows(start({ alpha: -1 }), RangeError, "alpha -1, expected a positive number");
  assertThrows(start({ targets: ["to_q"] }), RangeError, "targets [to_q], expected names of modules");
  const norm = { norm: { weight: randn(key(0), [4]) } };
  assertThrows(start({ targets: ["norm"] }, norm), RangeError, '"norm" with a weight [4], expected a linear layer');
  const table = { token_embedding: { weight: randn(key(0), [4, 2]) } };
  assertThrows(start({ targets: ["token_embedding"] }, table), RangeError, "expected a linear layer");
  const lora = initLora(key(4), base, CONFIG);
  assertThrows(() => withLora({ conv: base.conv }, lora, CONFIG), RangeError, 'no module "fc.1"');
  const other = { ...base, conv: conv2d.init(key(0), 3, 4, 3) };
  assertThrows(() => mergeLora(other, lora, CONFIG), RangeError, 'Cannot apply LoRA: "conv" has a weight [4, 3, 3, 3]');
  const grouped = withLora({ conv: base.conv }, { conv: (lora as { conv: Params }).conv }, CONFIG);
  assertThrows(() => conv2d.apply(grouped.conv, x, { groups: 3 }), RangeError);
});
