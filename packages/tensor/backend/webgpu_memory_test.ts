import { assert, assertEquals } from "@std/assert";
import { sizeClass } from "./webgpu_memory.ts";

Deno.test("sizeClass() holds the bytes and wastes at most an eighth", () => {
  for (let bytes = 0; bytes < 1 << 16; bytes += 7) {
    const size = sizeClass(bytes);
    assert(size >= bytes, `${bytes}`);
    assert(size % 256 === 0, `${bytes}`);
    assert(size - bytes <= Math.max(256, bytes / 8), `${bytes}`);
    assertEquals(sizeClass(size), size);
  }
});

Deno.test("sizeClass() has eight classes for each power of two", () => {
  const classes = new Set<number>();
  for (let bytes = 4097; bytes <= 8192; bytes++) classes.add(sizeClass(bytes));
  assertEquals(classes.size, 8);
  assertEquals(sizeClass(2 ** 30 + 1), 2 ** 30 + 2 ** 27);
});
