import { assertEquals, assertMatch } from "@std/assert";
import type { SafetensorsInput } from "@dipp/nn";
import { CheckpointStore } from "./checkpoint_store.ts";

function state(value: number): Map<string, SafetensorsInput> {
  const data = new Float32Array(64).fill(value);
  return new Map([["w", { dtype: "F32", shape: [8, 8], data }]]);
}

async function withStore(
  body: (store: CheckpointStore) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(new CheckpointStore(`${directory}/checkpoints`, 3));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("an empty directory has no latest checkpoint", () =>
  withStore(async (store) => {
    assertEquals(await store.steps(), []);
    assertEquals(await store.latest(), undefined);
  }));

Deno.test("the last ones are kept, leftovers of crashed writes removed", () =>
  withStore(async (store) => {
    for (const step of [10, 20, 30, 40]) await store.save(step, state(step));
    assertEquals(await store.steps(), [20, 30, 40]);
    const leftover = `${store.path(50)}.abcd.tmp`;
    await Deno.writeTextFile(leftover, "half");
    assertEquals((await store.latest())?.step, 40);
    await store.save(50, state(50));
    const names = [...Deno.readDirSync(store.directory)].map((f) => f.name);
    assertEquals(names.sort(), [
      "step-000030.safetensors",
      "step-000040.safetensors",
      "step-000050.safetensors",
    ]);
  }));

for (
  const [what, damage] of [
    ["truncated", (bytes: Uint8Array) => bytes.slice(0, bytes.length - 5)],
    ["empty", () => new Uint8Array(0)],
    ["flipped", (bytes: Uint8Array) => {
      bytes[bytes.length - 3] ^= 1;
      return bytes;
    }],
  ] as const
) {
  Deno.test(`a ${what} checkpoint is refused and the one before it used`, () =>
    withStore(async (store) => {
      await store.save(1, state(1));
      await store.save(2, state(2));
      const path = store.path(2);
      await Deno.writeFile(path, damage(await Deno.readFile(path)));
      const refused: string[] = [];
      const latest = await store.latest((path, reason) => refused.push(`${path}: ${reason}`));
      assertEquals(latest?.step, 1);
      assertEquals(latest?.tensors.get("w")?.toFloat32()[0], 1);
      assertEquals(refused.length, 1);
      assertMatch(refused[0], /step-000002\.safetensors/);
    }));
}

Deno.test("a checkpoint under another step's name is refused", () =>
  withStore(async (store) => {
    await store.save(1, state(1));
    await Deno.copyFile(store.path(1), store.path(7));
    assertEquals((await store.latest())?.step, 1);
  }));
