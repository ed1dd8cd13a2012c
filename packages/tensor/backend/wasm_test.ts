import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { forEach, i32, type WasmKernel } from "@dipp/kernels/wasm";
import { createWasmBackend } from "./wasm.ts";
import { LARGEST_BUFFER } from "./wasm_buffer.ts";
import { ADD, add, dispatch, kernel, STEP, step, upload, values, wait, withBackend } from "./wasm_testing.ts";

Deno.test(
  "backend describes what it can do",
  withBackend((backend) => {
    assertEquals([backend.name, backend.language, backend.adapterClass], ["wasm", "wasm", "cpu"]);
    assertEquals(backend.wasm?.threads, 2);
    assertMatch(backend.description, /WebAssembly with (relaxed )?SIMD, 2 threads/);
    assert(backend.limits.maxBuffersPerKernel >= 256);
    assertEquals(backend.limits.maxBindingBytes, backend.limits.maxBufferBytes);
  }),
);

Deno.test("createWasmBackend() refuses a number of threads that is none", async () => {
  for (const threads of [0, 1.5, 257, NaN]) {
    await assertRejects(() => createWasmBackend({ threads }), RangeError, `Cannot start ${threads} threads`);
  }
});

Deno.test(
  "upload and download round trip bytes of any length and offset",
  withBackend(async (backend) => {
    for (const length of [0, 1, 2, 3, 4, 5, 1023]) {
      const bytes = new Uint8Array(length).map((_, i) => i * 7 + 1);
      const buffer = backend.allocate(length);
      backend.upload(buffer, bytes);
      assertEquals(new Uint8Array(await backend.download(buffer)), bytes);
    }
    const buffer = upload(backend, [1, 2, 3, 4]);
    backend.upload(buffer, new Int32Array([9, 8, 7]).subarray(1, 2), 4);
    assertEquals(await values(backend, buffer), [1, 8, 3, 4]);
    assertEquals((await backend.download(buffer, 6)).byteLength, 6);
    await assertRejects(() => backend.download(buffer, 17), RangeError, "17");
    assertThrows(() => backend.upload(buffer, new Int32Array(4), 4), RangeError, "does not lie inside");
    assertThrows(() => backend.upload(buffer, new Uint8Array(3)), RangeError, "not aligned");
  }),
);

Deno.test(
  "submit runs commands in order, and again on every submit",
  withBackend(async (backend) => {
    const x = upload(backend, [0, 1, 2, 3]);
    const [y, z] = [backend.allocate(16), backend.allocate(16)];
    const none = backend.compile({ ...STEP, key: "none", phases: [] }, "none", ["read_write"]);
    const program = backend.prepare([
      step(backend, x),
      step(backend, x),
      add(backend, x, x, y),
      step(backend, x),
      add(backend, x, y, z),
      dispatch(none, [], [x]),
    ]);
    assertEquals(program.length, 5);
    backend.submit(program);
    // x2 = 4x + 3, y = 2 x2, x3 = 2 x2 + 1, z = x3 + y
    const once = [0, 1, 2, 3].map((x) => 4 * (4 * x + 3) + 1);
    assertEquals(await values(backend, z), once);
    backend.submit(program, backend.prepare([]));
    const x3 = [0, 1, 2, 3].map((x) => 8 * x + 7);
    assertEquals(await values(backend, z), x3.map((x) => 4 * (4 * x + 3) + 1));
    const { submits, dispatches, pipelines } = backend.stats();
    assertEquals([submits, dispatches, pipelines], [2, 10, 3]);
  }),
);

Deno.test(
  "copies lie between the dispatches around them, and large ones are whole",
  withBackend(async (backend) => {
    const [x, y] = [upload(backend, [0, 1, 2, 3]), upload(backend, [9, 9, 9, 9])];
    const copy = { kind: "copy", source: x, sourceOffset: 4, target: y, targetOffset: 8, bytes: 8 } as const;
    backend.submit(backend.prepare([step(backend, x), copy, step(backend, x), step(backend, y)]));
    assertEquals(await values(backend, y), [19, 19, 7, 11]);
    for (const wrong of [{ bytes: 16 }, { bytes: 7 }, { sourceOffset: -4 }, { targetOffset: 2 }]) {
      assertThrows(() => backend.prepare([{ ...copy, ...wrong }]), RangeError);
    }
    assertThrows(() => backend.prepare([{ ...copy, target: x }]), TypeError, "inside one buffer");

    const bytes = 3 * 2 ** 20 + 12;
    const data = new Uint8Array(bytes).map((_, i) => i ^ (i >> 8) ^ (i >> 16));
    const [from, to] = [backend.allocate(bytes), backend.allocate(bytes)];
    backend.upload(from, data);
    backend.submit(
      backend.prepare([{ kind: "copy", source: from, sourceOffset: 0, target: to, targetOffset: 0, bytes }]),
    );
    assert(new Uint8Array(await backend.download(to)).every((byte, i) => byte === data[i]));
  }),
);

Deno.test(
  "download sees the calls before it, upload the programs before it, and freed memory may be used at once",
  withBackend(async (backend) => {
    const x = upload(backend, [0, 1, 2, 3]);
    const busy = backend.allocate(4);
    const program = backend.prepare([wait(backend, busy), step(backend, x)]);
    backend.submit(program);
    const first = values(backend, x);
    backend.submit(program);
    const second = values(backend, x);
    backend.upload(x, new Int32Array([5]));
    backend.submit(backend.prepare([step(backend, x)]));
    const third = values(backend, x);
    backend.free(x);
    // Takes the freed memory over
    const y = upload(backend, [6, 6, 6, 6]);
    assertEquals(await values(backend, y), [6, 6, 6, 6]);
    assertEquals(await third, [11, 15, 23, 31]);
    assertEquals(await second, [3, 7, 11, 15]);
    assertEquals(await first, [1, 3, 5, 7]);
    backend.free(y);
    backend.free(busy);
    const { liveBuffers, liveBytes } = backend.stats();
    assertEquals([liveBuffers, liveBytes], [0, 0]);
  }),
);

Deno.test(
  "more programs than the queue holds run in order",
  withBackend(async (backend) => {
    const x = upload(backend, [0, 1, 2, 3]);
    const program = backend.prepare([step(backend, x)]);
    let expected = [0, 1, 2, 3];
    for (let i = 0; i < 1000; i++) {
      backend.submit(program);
      expected = expected.map((x) => (2 * x + 1) | 0);
    }
    assertEquals(await values(backend, x), expected);
  }),
);

Deno.test(
  "prepare refuses what does not fit the kernel",
  withBackend((backend) => {
    const [x, y] = [backend.allocate(16), backend.allocate(16)];
    const command = step(backend, x);
    assert(command.kind === "dispatch");
    const wgsl = { code: "", workgroups: [1, 1, 1] as [number, number, number] };
    assertThrows(() => backend.compile(wgsl, "shader", []), TypeError, `Kernel "shader" is written in WGSL`);
    assertThrows(() => backend.prepare([{ ...command, buffers: [] }]), TypeError, `Kernel "step" got 0 buffers`);
    assertThrows(() => backend.prepare([add(backend, x, y, y)]), TypeError, "writes to its buffer 2");
    const stranger = { buffer: { bytes: 16 }, access: "read_write" } as const;
    assertThrows(() => backend.prepare([{ ...command, buffers: [stranger] }]), TypeError, "another backend");
    const program = backend.prepare([command]);
    assert(program.isUsable);
    backend.free(x);
    assert(!program.isUsable);
    assertThrows(() => backend.submit(program), TypeError, "was freed");
    assertThrows(() => backend.free(x), TypeError, "was freed");
    const access = new Array(backend.limits.maxBuffersPerKernel + 1).fill("read");
    assertThrows(() => backend.compile(STEP, "wide", access), RangeError, `Kernel "wide" has`);
    assert(
      backend.compile(ADD, "add", ["read", "read", "read_write"]) ===
        backend.compile({ ...ADD }, "b", ["read", "read", "read_write"]),
    );
  }),
);

Deno.test(
  "a kernel that does not compile is named, once, and the others run",
  withBackend(async (backend) => {
    const x = upload(backend, [0, 1, 2, 3]);
    const wrong = kernel("wrong", 1, () => i32.add([], []));
    const bad = backend.prepare([
      step(backend, x),
      dispatch(backend.compile(wrong, "scaled step", ["read_write"]), [], [x]),
    ]);
    backend.submit(bad);
    await assertRejects(() => backend.download(x), Error, `Kernel "scaled step" does not compile`);
    assert(!bad.isUsable);
    assertThrows(() => backend.submit(bad), Error, "scaled step");
    backend.submit(backend.prepare([step(backend, x)]));
    assertEquals(await values(backend, x), [1, 3, 5, 7]);
  }),
);

Deno.test(
  "memory beyond 2 GiB works, and memory that is exhausted is an error that says how much there is",
  withBackend(async (backend) => {
    const [low, high] = [backend.allocate(LARGEST_BUFFER), backend.allocate(LARGEST_BUFFER - 2 ** 20)];
    const error = assertThrows(() => backend.allocate(2 ** 24, "an image"), RangeError);
    assertMatch(error.message, /exhausted: no 16777216 bytes left for an image, beside 429\d+ live bytes in 2 buffers/);
    assertThrows(() => backend.allocate(LARGEST_BUFFER + 1), RangeError, `${LARGEST_BUFFER} bytes`);
    for (const bytes of [-1, 1.5, NaN]) assertThrows(() => backend.allocate(bytes), RangeError, `${bytes} bytes`);
    const [x, y] = [upload(backend, [0, 1, 2, 3]), backend.allocate(16)];
    const end = high.bytes - 256;
    const { pipeline } = step(backend, x) as { pipeline: Parameters<typeof dispatch>[0] };
    backend.submit(backend.prepare([
      { kind: "copy", source: x, sourceOffset: 0, target: high, targetOffset: end, bytes: 16 },
      { kind: "dispatch", pipeline, buffers: [{ buffer: high, access: "read_write", offset: end }] },
      { kind: "copy", source: high, sourceOffset: end, target: y, targetOffset: 0, bytes: 16 },
    ]));
    assertEquals(await values(backend, y), [1, 3, 5, 7]);
    [low, high, x, y].forEach((buffer) => backend.free(buffer));
    assertEquals(backend.stats().liveBytes, 0);
    backend.free(backend.allocate(LARGEST_BUFFER));
  }),
);

Deno.test(
  "memory that kernels reserve while a program waits to be compiled is none of its own",
  withBackend(async (backend) => {
    const fill = (key: string, sharedBytes: number, value: number, at: "element" | "shared"): WasmKernel => ({
      ...kernel(key, 1, ({ element, shared, variable }) => {
        const i = variable();
        const place = at === "shared" ? shared(i.get) : element(0, i.get);
        return forEach(i, i32.const(0), i32.const(64), 1, i32.store(place, i32.const(value)));
      }),
      sharedBytes,
    });
    const [middle, out] = [backend.allocate(4096), backend.allocate(256)];
    const run = (made: WasmKernel) => dispatch(backend.compile(made, made.key, ["read_write"]), [], [middle]);
    const copy = { kind: "copy", source: middle, sourceOffset: 0, target: out, targetOffset: 0, bytes: 256 } as const;
    const commands = [run(fill("ones", 0, 1, "element")), run(fill("nines", 256, 9, "shared")), copy];
    backend.submit(backend.prepare(commands));
    backend.free(middle);
    // As many bytes as were freed: with the threads' own that every kernel gets
    const taken = fill("more", 4096 - 2 * 128, 0, "shared");
    backend.compile(taken, taken.key, ["read_write"]);
    assertEquals(await values(backend, out), Array(64).fill(1));
  }),
);
