import { assertEquals } from "@std/assert";

const CONFIG = new URL("../../../deno.json", import.meta.url).pathname;

/** A step of everything that is shared out among threads, at odd sizes; prints a hash of all its results. */
const STEP = `
import { conv2d, grad, groupNorm, init, key, randn, realize, scaledDotProductAttention } from "${
  new URL("../mod.ts", import.meta.url).href
}";
const device = await init();
const [x, w] = [randn(key(1), [3, 8, 33, 31]), randn(key(2), [16, 8, 3, 3])];
const heads = groupNorm(conv2d(x, w, { padding: 1 }), 4).reshape([3, 4, 341, 12]);
const out = scaledDotProductAttention(heads, heads, heads);
const mixed = out.reshape([3 * 341, 48]).matmul(randn(key(3), [48, 77])).tanh();
const loss = mixed.square().mean().add(mixed.sum([0]).softplus().mean());
const all = [loss, ...grad(loss, [x, w])];
await realize(...all);
const bytes = (await Promise.all(all.map((t) => t.data()))).map((d) => new Uint8Array(d.buffer));
const hash = await crypto.subtle.digest("SHA-256", await new Blob(bytes).arrayBuffer());
console.log(device.name.match(/\\d+ threads?/)[0], new Uint8Array(hash).toHex(), await loss.item());
`;

async function run(threads: number): Promise<string[]> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", "--config", CONFIG, STEP],
    env: { NO_COLOR: "1", DIPP_DEVICE: "wasm", DIPP_THREADS: String(threads) },
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  if (text === "") throw new Error(new TextDecoder().decode(stderr));
  return text.split(" ");
}

Deno.test("WebAssembly gives the same bits with any number of threads", async () => {
  const results = [];
  for (const threads of [1, 2, 5]) results.push(await run(threads));
  assertEquals(results.map(([threads]) => threads), ["1", "2", "5"]);
  assertEquals(new Set(results.map((words) => words.slice(2).join(" "))).size, 1);
});
