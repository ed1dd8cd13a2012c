import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type ConvVariant, type Kernel, matmulKey, type MatmulVariant } from "@dipp/kernels";
import type { Backend } from "../backend/backend.ts";
import { tensor } from "../mod.ts";
import { schedule } from "../schedule/schedule.ts";
import { formatTuning, parseTuning, type Tuning, tuningOf, tuningPath, tuningScope } from "./tuning.ts";

const scope = tuningScope({ description: "llvmpipe (LLVM 15, 256 bits)" });
const form = { kind: "register", lanes: "rows", height: 3, width: 2, turn: 2 } as const;
const tuning: Tuning = new Map<string, MatmulVariant | ConvVariant>([
  ["some product", form],
  ["a convolution", { kind: "matmul", product: form }],
]);

/** Runs with the variables set, and puts them back. */
async function withEnv(values: Record<string, string>, run: () => unknown): Promise<void> {
  const before = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(values)) Deno.env.set(name, value);
  try {
    await run();
  } finally {
    for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  }
}

Deno.test("a file of measurements comes back as it was", () => {
  assertEquals(parseTuning(formatTuning(tuning, scope), scope), tuning);
});

Deno.test("measurements of another adapter, of another Deno, or of no form are refused", () => {
  const text = formatTuning(tuning, scope);
  assertThrows(() => parseTuning(text, { ...scope, deno: "1.0.0" }), TypeError, "expected 1 for llvmpipe");
  assertThrows(() => parseTuning(text, { ...scope, adapter: "other" }), TypeError, "for other");
  assertThrows(() => parseTuning("{", scope), SyntaxError);
  for (const bad of [{ ...form, height: 0 }, { ...form, turn: 1e9 }, { ...form, lanes: "x" }, { kind: "none" }, 3]) {
    const wrong = formatTuning(new Map([["key", bad as never]]), scope);
    assertThrows(() => parseTuning(wrong, scope), TypeError, '"key" is');
  }
});

Deno.test("the file lies in the cache directory, or where DIPP_TUNING says, or nowhere", async () => {
  await withEnv({ DIPP_TUNING: "/somewhere/else.json" }, () => assertEquals(tuningPath(scope), "/somewhere/else.json"));
  await withEnv({ DIPP_TUNING: "" }, () => assertEquals(tuningPath(scope), undefined));
  await withEnv({ DIPP_TUNING: "x", XDG_CACHE_HOME: "/cache" }, () => {
    Deno.env.delete("DIPP_TUNING");
    assertEquals(tuningPath(scope), `/cache/dipp/tuning-llvmpipe-llvm-15-256-bits-${Deno.version.deno}.json`);
  });
});

Deno.test("a file that does not fit is reported once and passed over; one that is not there only for a graphics processor", async () => {
  const path = await Deno.makeTempFile();
  const { warn } = console;
  const said: string[] = [];
  console.warn = (line: string) => said.push(line);
  try {
    await withEnv({ DIPP_TUNING: path }, async () => {
      const backend = { description: scope.adapter } as Backend;
      assertEquals([tuningOf(backend).size, tuningOf(backend).size], [0, 0]);
      assertEquals(said.length, 1);
      assert(said[0].includes(path));
      await Deno.writeTextFile(path, formatTuning(tuning, scope));
      assertEquals(tuningOf({ description: scope.adapter } as Backend), tuning);
      await Deno.remove(path);
      const without = (adapterClass: Backend["adapterClass"]) => {
        const backend = { description: scope.adapter, adapterClass } as Backend;
        return [tuningOf(backend).size, tuningOf(backend).size];
      };
      assertEquals([without("software"), said.length], [[0, 0], 1]);
      assertEquals([without("discrete"), said.length], [[0, 0], 2]);
      assert(said[1].endsWith("built-in kernel choices; deno task tune measures this adapter"));
    });
  } finally {
    console.warn = warn;
  }
});

Deno.test("a product takes the form that was measured for its kind and size", () => {
  const target = { kind: "software", maxBuffers: 8, subgroup: 8 } as const;
  const product = (n: number) =>
    tensor(new Float32Array(n * n), [n, n]).matmul(tensor(new Float32Array(n * n), [n, n]));
  const code = (n: number, tuning?: Tuning) => (schedule([product(n)], { ...target, tuning })[0].kernel as Kernel).code;
  const operand = { rowStride: 64, colStride: 1 };
  const sizes = { batch: 1, m: 64, n: 64, k: 64 };
  const key = matmulKey({ ...sizes, a: operand, b: operand });
  assertNotEquals(code(64, new Map([[key, form]])), code(64));
  // Much the same size, and another one
  assertNotEquals(code(60, new Map([[key, form]])), code(60));
  assertEquals(code(100, new Map([[key, form]])), code(100));
});
