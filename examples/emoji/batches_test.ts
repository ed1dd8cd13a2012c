import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { imageBatches, promptBatches } from "./batches.ts";
import { loadEmoji } from "./dataset.ts";
import { preferenceBatches } from "./preference_batches.ts";

const data = await loadEmoji({ preset: "small", size: 8 });

Deno.test("a batch is a pure function of seed and step", () => {
  const options = { batchSize: 6, seed: 3, mirror: true, nullProbability: 0.3 };
  const straight = imageBatches(data, options),
    resumed = imageBatches(data, options);
  const first = Array.from({ length: 60 }, (_, step) => straight(step));
  for (const step of [59, 30, 31, 0]) assertEquals(resumed(step), first[step]);
  assertNotEquals(
    imageBatches(data, { ...options, seed: 4 })(0).names,
    first[0].names,
  );
});

Deno.test("an epoch draws every training drawing once, in another order than the next", () => {
  const drawings = data.train.length * 2,
    batch = imageBatches(data, { batchSize: drawings, seed: 0 });
  const keys = (step: number) =>
    Array.from(
      batch(step).names,
      (name, i) => name * 2 + batch(step).vendors[i],
    );
  const expected = data.train.flatMap((name) => [name * 2, name * 2 + 1]);
  assertEquals(keys(0).sort((a, b) => a - b), expected);
  assertEquals(keys(1).sort((a, b) => a - b), expected);
  assertNotEquals(
    imageBatches(data, { batchSize: drawings, seed: 0 })(0).names,
    batch(1).names,
  );
});

Deno.test("images and ids belong to the names and vendors that a batch says", () => {
  const batch = imageBatches(data, {
    batchSize: 10,
    seed: 5,
    split: "heldOut",
  })(7);
  const images = new Float32Array(10 * data.imageLength);
  batch.names.forEach((name, i) => {
    assert(data.heldOut.includes(name));
    data.copyImage(
      images,
      i * data.imageLength,
      name,
      data.vendors[batch.vendors[i]],
    );
  });
  assertEquals(batch.images, images);
  assertEquals(
    batch.ids,
    data.vocabulary.encodeAll(
      Array.from(batch.names, (name) => data.names[name]),
    ),
  );
});

Deno.test("held-out names never come in training", () => {
  const prompts = promptBatches(data, { batchSize: 32, seed: 1 });
  const seen = new Set(
    Array.from({ length: 40 }, (_, step) => [...prompts(step).names]).flat(),
  );
  assertEquals([...seen].sort((a, b) => a - b), [...data.train]);
});

Deno.test("one vendor alone, when told", async () => {
  const flat = await loadEmoji({
    preset: "small",
    size: 8,
    vendors: ["twitter"],
  });
  const batch = imageBatches(flat, { batchSize: 5, seed: 0 })(0);
  assertEquals(batch.vendors, new Int32Array(5));
  const image = new Float32Array(flat.imageLength);
  flat.copyImage(image, 0, batch.names[0], "twitter");
  assertEquals(batch.images.subarray(0, flat.imageLength), image);
});

Deno.test("prompts are dropped as often as told, and flags are never mirrored", () => {
  const options = {
    batchSize: 50,
    seed: 2,
    nullProbability: 0.2,
    mirror: true,
  };
  const batch = imageBatches(data, options),
    unchanged = imageBatches(data, { batchSize: 50, seed: 2 });
  let dropped = 0, mirrored = 0;
  for (let step = 0; step < 40; step++) {
    const a = batch(step), b = unchanged(step);
    assertEquals(a.names, b.names);
    a.names.forEach((name, i) => {
      if (a.ids[i * data.vocabulary.maxLength] === 1) dropped++;
      const from = i * data.imageLength, to = from + data.imageLength;
      const same = a.images.subarray(from, to).every((v, k) => v === b.images[from + k]);
      if (!same) mirrored++;
      if (data.emoji[name].category === "Flags") assert(same);
    });
  }
  // 2,000 draws: five standard deviations.
  assertAlmostEquals(dropped / 2000, 0.2, 5 * Math.sqrt(0.16 / 2000));
  assert(mirrored > 400);
});

Deno.test("a preference pair is one name in two drawings, the preferred vendor's first", () => {
  for (const preferred of ["twitter", "google"] as const) {
    const other = preferred === "twitter" ? "google" : "twitter";
    const batch = preferenceBatches(data, {
      batchSize: 4,
      seed: 9,
      split: "all",
      preferred,
    })(11);
    const better = data.images(preferred, [...batch.names]),
      worse = data.images(other, [...batch.names]);
    assertEquals(batch.preferred, better.data);
    assertEquals(batch.rejected, worse.data);
  }
  const pair = preferenceBatches(data, { batchSize: 4, seed: 9 });
  assertEquals(
    pair(3),
    preferenceBatches(data, { batchSize: 4, seed: 9, preferred: "twitter" })(3),
  );
});

Deno.test("bad options are refused", () => {
  assertThrows(
    () => imageBatches(data, { batchSize: 0, seed: 0 }),
    RangeError,
    "Batch size is 0",
  );
  assertThrows(
    () => imageBatches(data, { batchSize: 1, seed: 0.5 }),
    RangeError,
    "Batch seed is 0.5",
  );
  assertThrows(
    () => imageBatches(data, { batchSize: 1, seed: 0, nullProbability: 2 }),
    RangeError,
    "is 2",
  );
  assertThrows(
    () => imageBatches(data, { batchSize: 1, seed: 0 })(-1),
    RangeError,
    "Batch step is -1",
  );
});
