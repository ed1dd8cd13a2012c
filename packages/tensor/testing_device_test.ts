import { assertEquals, assertMatch } from "@std/assert";
import { init, ones } from "./mod.ts";
import { buffersLeft } from "./testing_device.ts";

const here = (file: string) => new URL(file, import.meta.url).href;

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** A kernel that reads beyond what is bound, which only the device finds out, and late. */
const MISTAKE = `
import { init } from "${here("mod.ts")}";
import { startedBackend } from "${here("runtime/device.ts")}";
await init({ device: "webgpu" });
function mistake() {
  const backend = startedBackend(), buffer = backend.allocate(16);
  const code = \`@group(0) @binding(0) var<storage, read_write> x: array<f32, 4096>;
    @compute @workgroup_size(1) fn main() { x[0] = 1.0; }\`;
  const pipeline = backend.compile({ code }, "mistake", ["read_write"]);
  const buffers = [{ buffer, access: "read_write" }];
  backend.submit(backend.prepare([{ kind: "dispatch", pipeline, buffers, workgroups: [1, 1, 1] }]));
}
`;

async function deno(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args.slice(0, 1), "--no-check", "--no-lock", "--config", CONFIG, "-A", ...args.slice(1)],
    env: { NO_COLOR: "1" },
  }).output();
  return { code, text: [stdout, stderr].map((b) => new TextDecoder().decode(b)).join("") };
}

Deno.test("an error of the device fails the test that caused it, and no other", async () => {
  const file = await Deno.makeTempFile({ suffix: "_test.ts" });
  try {
    await Deno.writeTextFile(
      file,
      `${MISTAKE}
import { guardDevice } from "${here("testing_device.ts")}";
guardDevice();
Deno.test("one", () => {});
Deno.test("two", mistake);
Deno.test("three", () => {});`,
    );
    const { code, text } = await deno("test", file);
    assertEquals(code, 1);
    assertMatch(text, /one \.\.\. ok[^]*two \.\.\. FAILED[^]*three \.\.\. ok[^]*The device reports/);
    assertMatch(text, /2 passed \| 1 failed/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("an error of the device that nobody waits for ends the process as an error", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, `${MISTAKE}mistake();\nawait new Promise((r) => setTimeout(r, 10));`);
    const { code, text } = await deno("run", file);
    assertEquals(code, 1, text);
    assertMatch(text, /Uncaught Error: The device reports/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("buffersLeft() counts what work leaves alive", async () => {
  await init();
  const kept = await ones([4]).exp().realize();
  assertEquals(await buffersLeft(() => kept.exp().realize().then((t) => t.dispose())), 0);
  assertEquals(await buffersLeft(() => kept.exp().realize().then(() => {})), 1);
  assertEquals(await buffersLeft(() => kept.dispose()), -1);
});
