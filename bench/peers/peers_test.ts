import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { relativeError } from "../../packages/tensor/testing.ts";
import { load } from "./adapters/dipp.ts";
import { ortGraph } from "./adapters/ort_graph.ts";
import { disagreement, type Line, measureRow, median, schedule } from "./measure.ts";
import { type Answer, type Command, Worker } from "./process.ts";
import { type Data, noise, permuted, type Row, type Setting, Unsupported } from "./row.ts";
import { attentionRow } from "./rows/attention.ts";
import { conv2dRow } from "./rows/conv2d.ts";
import { adamwRow, chainRow } from "./rows/elementwise.ts";
import { matmulRow } from "./rows/matmul.ts";
import { deviceRows, rows } from "./rows/mod.ts";
import { groupNormSiluRow, layerNormRow } from "./rows/norm.ts";
import { trainingRow } from "./rows/training.ts";
import { bestPeer, hostLines, table } from "./table.ts";

const SETTING: Setting = { device: "wasm", threads: 2 };

/** Everything that dipp gives for a row, run by run. */
async function run(row: Row): Promise<Float32Array[]> {
  const job = await (await load(SETTING)).prepare(row.work, row.inputs());
  const results: Float32Array[] = [];
  for (let i = 0; i < (row.checked ?? 1); i++) {
    await job.run();
    await job.wait();
    results.push(...await job.results());
  }
  job.free();
  return results;
}

function assertClose(actual: Float32Array, expected: ArrayLike<number>): void {
  const { max, index } = relativeError(actual, expected);
  assert(max < 1e-4, `error ${max} at ${index}: ${actual[index]}, expected ${expected[index]}`);
}

/** Sum of `f(i)` for i below n. */
const sum = (n: number, f: (i: number) => number) =>
  Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b, 0);

Deno.test("a matmul row is the product, batch by batch", async () => {
  const row = matmulRow([2], 3, 5, 4);
  const [a, b] = row.inputs().map((d) => d.values);
  const expected = Array.from({ length: 24 }, (_, i) => {
    const [z, r, c] = [Math.floor(i / 12), Math.floor(i / 4) % 3, i % 4];
    return sum(5, (k) => a[z * 15 + r * 5 + k] * b[z * 20 + k * 4 + c]);
  });
  assertClose((await run(row))[0], expected);
  assertEquals([row.flops, row.name], [240, "matmul 2 x 3x5x4"]);
});

Deno.test("the three convolution rows are the convolution and its two adjoints", async () => {
  // <conv(x, w), dy> = <x, inputGrad(dy, w)> = <w, weightGrad(x, dy)>, and the first is checked element by element
  const [images, channels, side] = [2, 3, 4];
  const image = images * channels * side * side;
  const at = (z: number, c: number, y: number, x: number) =>
    y < 0 || x < 0 || y >= side || x >= side ? undefined : ((z * channels + c) * side + y) * side + x;
  const [x, w] = conv2dRow("forward", images, channels, side).inputs().map((d) => d.values);
  const [forward] = await run(conv2dRow("forward", images, channels, side));
  const expected = new Float32Array(image);
  for (let i = 0; i < image; i++) {
    const [z, o, r, c] = [i / 48, i / 16 % 3, i / 4 % 4, i % 4].map(Math.floor);
    expected[i] = sum(channels * 9, (k) => {
      const [ci, ky, kx] = [k / 9, k / 3 % 3, k % 3].map(Math.floor);
      const from = at(z, ci, r + ky - 1, c + kx - 1);
      return from === undefined ? 0 : x[from] * w[o * 27 + k];
    });
  }
  assertClose(forward, expected);
  const dot = (a: Float32Array, b: Float32Array) => sum(a.length, (i) => a[i] * b[i]);
  const inputRow = conv2dRow("inputGrad", images, channels, side);
  const dy = inputRow.inputs()[0].values;
  assertEquals(inputRow.inputs()[1].values, w);
  assertAlmostEquals(dot(x, (await run(inputRow))[0]), dot(forward, dy), 1e-3);
  const weightRow = conv2dRow("weightGrad", images, channels, side);
  const [x2, dy2] = weightRow.inputs().map((d) => d.values);
  assertEquals(x2, x);
  const [weightGrad] = await run(weightRow);
  assertEquals(weightGrad.length, w.length);
  // Of the convolution of the same x by the weights that the first row has
  assertAlmostEquals(dot(w, weightGrad), dot(forward, dy2), 1e-3);
});

Deno.test("the norm rows are the norms", async () => {
  const normal = (x: ArrayLike<number>, size: number) =>
    Array.from({ length: x.length }, (_, i) => {
      const start = Math.floor(i / size) * size;
      const mean = sum(size, (j) => x[start + j]) / size;
      const variance = sum(size, (j) => (x[start + j] - mean) ** 2) / size;
      return (x[i] - mean) / Math.sqrt(variance + 1e-5);
    });
  const layer = layerNormRow([3, 8]);
  const [x, w, b] = layer.inputs().map((d) => d.values);
  assertClose((await run(layer))[0], normal(x, 8).map((v, i) => v * w[i % 8] + b[i % 8]));
  const group = groupNormSiluRow([2, 4, 3, 3], 2);
  const [gx, gw, gb] = group.inputs().map((d) => d.values);
  const expected = normal(gx, 18).map((v, i) => {
    const channel = Math.floor(i / 9) % 4;
    const y = v * gw[channel] + gb[channel];
    return y / (1 + Math.exp(-y));
  });
  assertClose((await run(group))[0], expected);
});

Deno.test("the attention rows are attention and its gradients", async () => {
  const shape = [1, 2, 5, 3] as const;
  const [q, k, v, dOut] = attentionRow("backward", ...shape).inputs().map((d) => d.values);
  const attend = (q: ArrayLike<number>, k: ArrayLike<number>, v: ArrayLike<number>) =>
    Array.from({ length: 30 }, (_, i) => {
      const [h, r, c] = [Math.floor(i / 15) * 15, Math.floor(i / 3) % 5, i % 3];
      const scores = Array.from(
        { length: 5 },
        (_, n) => Math.exp(sum(3, (d) => q[h + r * 3 + d] * k[h + n * 3 + d]) / Math.sqrt(3)),
      );
      return sum(5, (n) => scores[n] * v[h + n * 3 + c]) / sum(5, (n) => scores[n]);
    });
  assertClose((await run(attentionRow("forward", ...shape)))[0], attend(q, k, v));
  const gradients = await run(attentionRow("backward", ...shape));
  [q, k, v].forEach((x, which) => {
    const at = (step: number, i: number) => {
      const moved = [q, k, v].map((t) => Float64Array.from(t));
      moved[which][i] += step;
      const [a, b, c] = moved;
      const out = attend(a, b, c);
      return sum(30, (j) => out[j] * dOut[j]);
    };
    const expected = Array.from(x, (_, i) => (at(1e-5, i) - at(-1e-5, i)) / 2e-5);
    assertClose(gradients[which], expected);
  });
});

Deno.test("the chain and AdamW rows are what they say", async () => {
  const chain = chainRow(2, 3, 4);
  const [x, y] = chain.inputs().map((d) => d.values);
  const once = (v: number, i: number) => 0.5 * Math.tanh(v * y[i % 4] + x[i]);
  assertClose((await run(chain))[0], Array.from(x, (v, i) => once(once(v, i), i)));
  assertStringIncludes(chain.name, "8 ops");

  const row = adamwRow("tiny", [[2, 3], [4]]);
  const [p, , g] = row.inputs().map((d) => d.values);
  const expected: number[][] = [];
  let [param, m, v] = [Array.from(p), p.map(() => 0), p.map(() => 0)].map((list) => Array.from(list));
  for (const step of [1, 2]) {
    m = m.map((m, i) => 0.9 * m + 0.1 * g[i]);
    v = v.map((v, i) => 0.999 * v + 0.001 * g[i] ** 2);
    param = param.map((p, i) =>
      p * (1 - 1e-5) - 1e-3 * (m[i] / (1 - 0.9 ** step)) / (Math.sqrt(v[i] / (1 - 0.999 ** step)) + 1e-8)
    );
    expected.push(param);
  }
  const results = await run(row);
  assertEquals(results.length, 6);
  assertClose(results[0], expected[0]);
  assertClose(results[3], expected[1]);
});

Deno.test("a training row lowers its loss, and every parameter has numbers", async () => {
  const row = trainingRow("tiny", "dit", {
    num_attention_heads: 1,
    attention_head_dim: 8,
    num_layers: 1,
    in_channels: 3,
    out_channels: 3,
    sample_size: 8,
    patch_size: 4,
    caption_channels: 4,
  }, 2);
  const losses = (await run(row)).map(([loss]) => loss);
  assertEquals(losses.length, 3);
  assert(losses[1] < losses[0] && losses[2] < losses[1], `${losses}`);
  assert(row.work.op === "train");
  assertEquals(row.inputs().length, 4 + row.work.names.length);
  for (const { values } of row.inputs()) assert(values.some((x) => x !== 0));
});

Deno.test("rows have names of their own and reproducible inputs", () => {
  for (const list of [rows, deviceRows]) assertEquals(new Set(list.map((r) => r.name)).size, list.length);
  assertEquals(noise(3, [2, 2]).values, noise(3, [2, 2]).values);
  const many = noise(1, [10000]).values;
  assertAlmostEquals(sum(10000, (i) => many[i]) / 10000, 0, 0.03);
  assertAlmostEquals(sum(10000, (i) => many[i] ** 2) / 10000, 1 / 3, 0.03);
  const data: Data = { shape: [2, 3], values: Float32Array.from([1, 2, 3, 4, 5, 6]) };
  assertEquals(permuted(data, [1, 0]), { shape: [3, 2], values: Float32Array.from([1, 4, 2, 5, 3, 6]) });
});

Deno.test("medians, batches and disagreement", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([4, 1, 3, 2]), 2.5);
  const settings = { ...SETTING, rounds: 5, batchMs: 200, limitMs: 1000 };
  assertEquals(schedule(1, settings), { runs: 50, rounds: 5 });
  assertEquals(schedule(20, settings), { runs: 10, rounds: 5 });
  assertEquals(schedule(900, settings), { runs: 1, rounds: 2 });
  assertEquals(schedule(5000, settings), { runs: 1, rounds: 1 });
  const expected = [Float32Array.from([1, 2, -3])];
  assertEquals(disagreement([Float32Array.from([1, 2, -3.001])], expected), undefined);
  assertStringIncludes(disagreement([Float32Array.from([1, 2, -3.01])], expected)!, "at 2, dipp's -3");
  assertStringIncludes(disagreement([Float32Array.from([1, NaN, -3])], expected)!, "at 1");
  assertStringIncludes(disagreement([], expected)!, "0 results");
  assertStringIncludes(disagreement([new Float32Array(2)], expected)!, "has 2 numbers");
});

/** A worker that answers from a table instead of a process. */
class Scripted extends Worker {
  readonly asked: Command["do"][] = [];
  readonly #answer: (command: Command) => Answer | Promise<Answer>;

  constructor(name: string, answer: (command: Command) => Answer | Promise<Answer>) {
    super(name, SETTING);
    this.#answer = answer;
  }

  override async ask(command: Command): Promise<Answer> {
    this.asked.push(command.do);
    return await this.#answer(command);
  }
}

/** Gives these numbers as its results and takes so long for a run. */
function scripted(name: string, values: number[], ms: number): Scripted {
  return new Scripted(name, async (command) => {
    if (command.do === "prepare") {
      await Deno.writeFile(command.file, new Uint8Array(Float32Array.from(values).buffer));
      return { lengths: [values.length], dispatches: 3, submits: 1, ms: 50 };
    }
    if (command.do === "host") return { host: [2, 1, 3] };
    if (command.do === "warm up") return { ms };
    return command.do === "time" ? { ms: ms * command.runs } : {};
  });
}

Deno.test("only what agrees with the first is timed, and all take turns", async () => {
  const workers = [
    scripted("dipp", [1, 2], 10),
    scripted("jax-js", [1, 2], 40),
    scripted("tfjs", [1, 3], 1),
    new Scripted("ort", () => ({ error: "it cannot", unsupported: true })),
  ];
  const row = { ...matmulRow([], 1, 1, 2), host: true };
  const line = await measureRow(row, workers, { ...SETTING, rounds: 3, batchMs: 200, limitMs: 1000 });
  assertEquals(line.cells["dipp"], { dispatches: 3, submits: 1, ms: 10, hostMs: 2 });
  assertEquals(line.cells["jax-js"].ms, 40);
  assertEquals(line.cells["tfjs"].mark, "wrong");
  assertEquals(line.cells["ort"], { mark: "-", reason: "it cannot" });
  assertEquals(workers[0].asked, ["prepare", "warm up", "time", "time", "time", "host", "free"]);
  assertEquals(bestPeer(line), 4);
  assertEquals(workers[2].asked, ["prepare"]);
});

Deno.test("the table shows times, the best peer's ratio, what is missed, and why there is no time", () => {
  const lines: Line[] = [
    {
      name: "fast",
      target: 2,
      flops: 2e9,
      cells: {
        dipp: { ms: 100, hostMs: 1, dispatches: 400 },
        "jax-js": { ms: 350, hostMs: 5 },
        tfjs: { mark: "wrong", reason: "NaN" },
      },
    },
    { name: "slow", target: 2, cells: { dipp: { ms: 10 }, "jax-js": { ms: 15 }, tfjs: { ms: 40 } } },
  ];
  const text = table(lines, { dipp: "dipp", "jax-js": "jax-js 1", tfjs: "tfjs 2" }).split("\n");
  const cells = text.slice(0, 4).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assertEquals(cells[0], ["row", "dipp, ms", "jax-js 1, ms", "tfjs 2, ms", "dipp, GFLOP/s", "best peer / dipp"]);
  assertEquals(cells[2], ["fast", "100", "350", "wrong", "20.0", "3.5"]);
  assertEquals(cells[3], ["slow", "10.0", "15.0", "40.0", "", "1.5 (below 2)"]);
  assertEquals(text.at(-1), "- tfjs 2, wrong: NaN (fast)");
  assertEquals(hostLines(lines).map(({ name, cells }) => [name, cells.dipp.ms, cells["jax-js"].ms]), [
    ["JavaScript of one fast", 1, 5],
  ]);
  assertStringIncludes(table(hostLines(lines), { dipp: "dipp" }), "| 1.00 (2.5 us x 400) |");
  assertStringIncludes(table(lines, { dipp: "dipp" }, "a / b"), "| dipp, GFLOP/s |         a / b |");
});

Deno.test("the ONNX graphs chain up, and say what they cannot do", async () => {
  for (const row of rows) {
    if (row.work.op === "train" || row.work.op === "adamw" || row.work.op === "align") continue;
    const pass = "pass" in row.work ? row.work.pass : "forward";
    if (pass === "backward" || pass === "weightGrad") {
      await assertRejects(async () => await Promise.resolve(ortGraph(row.work, [])), Unsupported);
      continue;
    }
    const shapes = row.inputs().map((d) => d.shape);
    const graph = ortGraph(row.work, shapes);
    const known = new Set([...Object.keys(graph.inputs), ...Object.keys({ ...graph.shapes, ...graph.floats })]);
    for (const { input, output } of graph.nodes) {
      for (const name of input) assert(known.has(name), `${row.name}: ${name} comes from nowhere`);
      output.forEach((name) => known.add(name));
    }
    assert(known.has("out"), row.name);
  }
});

Deno.test("a worker that is too slow is replaced, one that cannot start says why", async () => {
  const worker = new Worker("nobody", SETTING);
  const { error } = await worker.start();
  assertStringIncludes(error!, "nobody");
  // A process that is held never answers
  Deno.kill(worker.pid!, "SIGSTOP");
  assertEquals(await worker.ask({ do: "free" }, 50), { error: "no result in 0.05 s" });
  assertEquals(await worker.ask({ do: "free" }), {});
  await worker.stop();
});
