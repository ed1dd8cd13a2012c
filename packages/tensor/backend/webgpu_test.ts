import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import type { Backend, BackendBuffer, Command } from "./backend.ts";
import { createWebGpuBackend, type WebGpuOptions } from "./webgpu.ts";

/** x[i] = x[i] * 2 + 1, whose powers do not commute with anything else here. */
const STEP = `
@group(0) @binding(0) var<storage, read_write> x: array<f32, 4>;
@compute @workgroup_size(4)
fn main(@builtin(local_invocation_index) i: u32) { x[i] = x[i] * 2.0 + 1.0; }`;

const ADD = `
@group(0) @binding(0) var<storage, read> a: array<f32, 4>;
@group(0) @binding(1) var<storage, read> b: array<f32, 4>;
@group(0) @binding(2) var<storage, read_write> c: array<f32, 4>;
@compute @workgroup_size(4)
fn main(@builtin(local_invocation_index) i: u32) { c[i] = a[i] + b[i]; }`;

const ADD_ACCESS = ["read", "read", "read_write"] as const;

function withBackend(
  body: (backend: Backend) => Promise<void>,
  options?: WebGpuOptions,
): () => Promise<void> {
  return async () => {
    const backend = await createWebGpuBackend(options);
    try {
      await body(backend);
    } finally {
      backend.destroy();
    }
  };
}

function upload(backend: Backend, values: number[]): BackendBuffer {
  const buffer = backend.allocate(values.length * 4);
  backend.upload(buffer, new Float32Array(values));
  return buffer;
}

async function values(
  backend: Backend,
  buffer: BackendBuffer,
): Promise<number[]> {
  return [...new Float32Array(await backend.download(buffer))];
}

function step(backend: Backend, buffer: BackendBuffer): Command {
  return {
    kind: "dispatch",
    pipeline: backend.compile({ code: STEP }, "step", ["read_write"]),
    buffers: [{ buffer, access: "read_write" }],
    workgroups: [1, 1, 1],
  };
}

function add(
  backend: Backend,
  a: BackendBuffer,
  b: BackendBuffer,
  c: BackendBuffer,
): Command {
  return {
    kind: "dispatch",
    pipeline: backend.compile({ code: ADD }, "add", ADD_ACCESS),
    buffers: [
      { buffer: a, access: "read" },
      { buffer: b, access: "read" },
      { buffer: c, access: "read_write" },
    ],
    workgroups: [1, 1, 1],
  };
}

Deno.test(
  "backend describes its adapter",
  withBackend((backend) => {
    assertEquals(backend.name, "webgpu");
    assert(backend.description.length > 0);
    assert(
      ["software", "integrated", "discrete"].includes(backend.adapterClass),
    );
    assert(backend.limits.maxBuffersPerKernel >= 8);
    assert(backend.limits.maxBufferBytes >= 2 ** 27);
    assert(backend.limits.maxWorkgroupSize >= 256);
    assert(backend.limits.maxWorkgroupsPerDimension >= 65535);
    return Promise.resolve();
  }),
);

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
    // A view into the middle of a larger array, to the middle of the buffer.
    backend.upload(buffer, new Float32Array([9, 8, 7]).subarray(1, 2), 4);
    assertEquals(await values(backend, buffer), [1, 8, 3, 4]);
    assertEquals((await backend.download(buffer, 6)).byteLength, 6);
  }),
);

Deno.test(
  "upload out of range throws instead of ending the process",
  withBackend((backend) => {
    const buffer = backend.allocate(8);
    const data = new Float32Array(2);
    assertThrows(
      () => backend.upload(buffer, data, 4),
      RangeError,
      "An upload of 8 bytes at byte 4 does not lie inside the buffer of 8",
    );
    assertThrows(() => backend.upload(buffer, data, -4), RangeError);
    assertThrows(() => backend.upload(buffer, data, NaN), RangeError);
    assertThrows(() => backend.upload(buffer, new Float32Array(3)), RangeError);
    assertThrows(
      () => backend.upload(buffer, new Uint8Array(3)),
      RangeError,
      "not aligned",
    );
    backend.upload(buffer, new Uint8Array(3).fill(1).subarray(0, 0), 8);
    return Promise.resolve();
  }),
);

Deno.test(
  "download rejects a length over the buffer's",
  withBackend(async (backend) => {
    const buffer = backend.allocate(8);
    await assertRejects(() => backend.download(buffer, 9), RangeError, "9");
  }),
);

Deno.test(
  "allocate names the bytes and the limit it refuses",
  withBackend((backend) => {
    const limit = backend.limits.maxBufferBytes;
    const error = assertThrows(() => backend.allocate(limit + 1), RangeError);
    assert(error.message.includes(`${limit + 1} bytes`));
    assert(error.message.includes(`${limit} bytes`));
    assertThrows(() => backend.allocate(-1), RangeError);
    assertThrows(() => backend.allocate(1.5), RangeError);
    assertThrows(() => backend.allocate(NaN), RangeError);
    return Promise.resolve();
  }),
);

Deno.test(
  "free pools memory for the next buffer of the size class",
  withBackend((backend) => {
    assertEquals(backend.stats().liveBuffers, 0);
    const first = backend.allocate(5000);
    const { liveBytes } = backend.stats();
    assertEquals(liveBytes, 5120);
    backend.free(first);
    assertEquals(backend.stats().pooledBytes, liveBytes);
    const second = backend.allocate(4900);
    assertEquals(backend.stats().pooledBytes, 0);
    assertThrows(() => backend.free(first), TypeError, "was freed");
    assertThrows(
      () => backend.upload(first, new Float32Array(1)),
      TypeError,
      "was freed",
    );
    backend.free(second);
    const { liveBuffers, peakBytes } = backend.stats();
    assertEquals([liveBuffers, peakBytes], [0, 5120]);
    return Promise.resolve();
  }),
);

Deno.test(
  "free gives memory over the pool's capacity back, the oldest first",
  withBackend(async (backend) => {
    const buffers = [1024, 2048, 4096].map((bytes) => backend.allocate(bytes));
    // Bound once, so that destroying them must drop cached bind groups too.
    for (const buffer of buffers) {
      backend.submit(backend.prepare([step(backend, buffer)]));
    }
    for (const buffer of buffers) backend.free(buffer);
    assertEquals(backend.stats().pooledBytes, 4096);
    for (const bytes of [1024, 2048, 4096]) {
      const buffer = backend.allocate(bytes);
      backend.upload(buffer, new Float32Array([0, 1, 2, 3]));
      backend.submit(backend.prepare([step(backend, buffer)]));
      assertEquals((await values(backend, buffer)).slice(0, 4), [1, 3, 5, 7]);
    }
  }, { poolBytes: 5000 }),
);

Deno.test(
  "submit runs commands in order, and again on every submit",
  withBackend(async (backend) => {
    const x = upload(backend, [0, 1, 2, 3]);
    const y = backend.allocate(16);
    const z = backend.allocate(16);
    const program = backend.prepare([
      step(backend, x),
      step(backend, x),
      add(backend, x, x, y),
      step(backend, x),
      add(backend, x, y, z),
      { ...step(backend, x), workgroups: [0, 1, 1] } as Command,
    ]);
    assertEquals(program.length, 5);
    backend.submit(program);
    // x2 = 4x + 3, y = 2 x2, x3 = 2 x2 + 1, z = x3 + y
    const once = [0, 1, 2, 3].map((x) => 4 * (4 * x + 3) + 1);
    assertEquals(await values(backend, z), once);
    backend.submit(program);
    const x3 = [0, 1, 2, 3].map((x) => 8 * x + 7);
    assertEquals(
      await values(backend, z),
      x3.map((x) => 4 * (4 * x + 3) + 1),
    );
    const { submits, dispatches, pipelines } = backend.stats();
    assertEquals([submits, dispatches, pipelines], [2, 10, 2]);
  }),
);

Deno.test(
  "submit queues several programs at once, in order",
  withBackend(async (backend) => {
    const x = upload(backend, [0, 1, 2, 3]);
    const y = backend.allocate(16);
    const first = backend.prepare([step(backend, x)]);
    const second = backend.prepare([add(backend, x, x, y)]);
    const nothing = backend.prepare([]);
    backend.submit(first, nothing, second, first);
    assertEquals(await values(backend, y), [2, 6, 10, 14]);
    assertEquals(await values(backend, x), [3, 7, 11, 15]);
    backend.submit(nothing);
    const { submits, dispatches } = backend.stats();
    assertEquals([submits, dispatches], [1, 3]);
  }),
);

Deno.test(
  "submit copies between the dispatches around the copy",
  withBackend(async (backend) => {
    const x = upload(backend, [0, 1, 2, 3]);
    const y = upload(backend, [9, 9, 9, 9]);
    backend.submit(backend.prepare([
      step(backend, x),
      {
        kind: "copy",
        source: x,
        sourceOffset: 4,
        target: y,
        targetOffset: 8,
        bytes: 8,
      },
      step(backend, x),
      step(backend, y),
    ]));
    assertEquals(await values(backend, x), [3, 7, 11, 15]);
    assertEquals(await values(backend, y), [19, 19, 7, 11]);
  }),
);

Deno.test(
  "prepare refuses copies out of range, unaligned or in place",
  withBackend((backend) => {
    const source = backend.allocate(8);
    const target = backend.allocate(16);
    const copy = {
      kind: "copy",
      source,
      sourceOffset: 0,
      target,
      targetOffset: 0,
      bytes: 8,
    } as const;
    backend.prepare([copy]);
    for (
      const wrong of [
        { bytes: 12 },
        { bytes: 7 },
        { sourceOffset: 4 },
        { sourceOffset: -4 },
        { targetOffset: 12 },
        { targetOffset: 2 },
      ]
    ) {
      assertThrows(() => backend.prepare([{ ...copy, ...wrong }]), RangeError);
    }
    assertThrows(
      () => backend.prepare([{ ...copy, target: source }]),
      TypeError,
      "inside one buffer",
    );
    return Promise.resolve();
  }),
);

Deno.test(
  "prepare refuses bindings that alias a written buffer",
  withBackend((backend) => {
    const x = backend.allocate(16);
    const y = backend.allocate(16);
    backend.prepare([add(backend, x, x, y)]);
    assertThrows(
      () => backend.prepare([add(backend, x, y, y)]),
      TypeError,
      `Kernel "add" writes to its buffer 2, which is also bound as its buffer 1`,
    );
    return Promise.resolve();
  }),
);

Deno.test(
  "prepare refuses what does not fit the kernel or the adapter",
  withBackend((backend) => {
    const x = backend.allocate(16);
    const command = step(backend, x);
    assert(command.kind === "dispatch");
    assertThrows(
      () => backend.prepare([{ ...command, buffers: [] }]),
      TypeError,
      `Kernel "step" got 0 buffers: expected 1`,
    );
    assertThrows(
      () =>
        backend.prepare([{
          ...command,
          buffers: [{ buffer: x, access: "read" }],
        }]),
      TypeError,
      `is bound as "read"`,
    );
    const most = backend.limits.maxWorkgroupsPerDimension;
    assertThrows(
      () => backend.prepare([{ ...command, workgroups: [most + 1, 1, 1] }]),
      RangeError,
      `Kernel "step" cannot run [${most + 1},1,1] workgroups`,
    );
    assertThrows(
      () =>
        backend.prepare([{
          ...command,
          buffers: [{ buffer: { bytes: 16 }, access: "read_write" }],
        }]),
      TypeError,
      "another backend",
    );
    const many = backend.limits.maxBuffersPerKernel + 1;
    assertThrows(
      () => backend.compile({ code: STEP }, "wide", new Array(many).fill("read")),
      RangeError,
      `Kernel "wide" has ${many} buffers`,
    );
    return Promise.resolve();
  }),
);

Deno.test(
  "submit refuses a program whose buffer was freed",
  withBackend((backend) => {
    const x = backend.allocate(16);
    const program = backend.prepare([step(backend, x)]);
    backend.free(x);
    assertThrows(() => backend.submit(program), TypeError, "was freed");
    return Promise.resolve();
  }),
);

Deno.test(
  "compile gives the same pipeline for the same code and keeps unused bindings",
  withBackend(async (backend) => {
    const access = ["read", "read_write"] as const;
    const code = STEP.replace("binding(0)", "binding(1)");
    const pipeline = backend.compile({ code }, "step", access);
    assert(pipeline === backend.compile({ code }, "other name", access));
    const x = upload(backend, [0, 1, 2, 3]);
    const unused = backend.allocate(4);
    backend.submit(backend.prepare([{
      kind: "dispatch",
      pipeline,
      buffers: [{ buffer: unused, access: "read" }, {
        buffer: x,
        access: "read_write",
      }],
      workgroups: [1, 1, 1],
    }]));
    assertEquals(await values(backend, x), [1, 3, 5, 7]);
  }),
);

Deno.test(
  "a kernel that does not compile is named with its line, once",
  withBackend(async (backend) => {
    const x = upload(backend, [0, 1, 2, 3]);
    const code = STEP.replace("x[i] * 2.0", "x[i] * lr");
    const wrong = () =>
      backend.prepare([{
        kind: "dispatch",
        pipeline: backend.compile({ code }, "scaled step", ["read_write"]),
        buffers: [{ buffer: x, access: "read_write" }],
        workgroups: [1, 1, 1],
      }]);
    const program = wrong();
    const error = await assertRejects(() => backend.synchronize(), Error);
    assertMatch(
      error.message,
      /^Kernel "scaled step" does not compile, line 4/,
    );
    assertMatch(error.message, /x\[i\] = x\[i\] \* lr \+ 1\.0/);
    assertThrows(() => backend.submit(program), Error, "scaled step");
    // The same through a submit that could not know yet.
    backend.submit(wrong());
    await assertRejects(() => backend.download(x), Error, "scaled step");
    // The device itself is fine.
    backend.submit(backend.prepare([step(backend, x)]));
    assertEquals(await values(backend, x), [1, 3, 5, 7]);
  }),
);

Deno.test(
  "a kernel whose access list contradicts its code is named",
  withBackend(async (backend) => {
    backend.compile({ code: STEP }, "reader", ["read"]);
    await assertRejects(
      () => backend.synchronize(),
      Error,
      `Kernel "reader" does not compile`,
    );
  }),
);

Deno.test(
  "an error that the device reports late is thrown by the next wait",
  withBackend(async (backend) => {
    const x = backend.allocate(256);
    // Larger than what is bound, which only the device finds out.
    const pipeline = backend.compile(
      { code: STEP.replace("array<f32, 4>", "array<f32, 4096>") },
      "wide step",
      ["read_write"],
    );
    backend.submit(backend.prepare([{
      kind: "dispatch",
      pipeline,
      buffers: [{ buffer: x, access: "read_write" }],
      workgroups: [1, 1, 1],
    }]));
    await assertRejects(
      () => backend.synchronize(),
      Error,
      "The device reports",
    );
  }),
);

Deno.test(
  "download sees the calls before it, not those after it",
  withBackend(async (backend) => {
    const x = upload(backend, [0, 1, 2, 3]);
    const program = backend.prepare([step(backend, x)]);
    const before = values(backend, x);
    backend.submit(program);
    const between = values(backend, x);
    backend.upload(x, new Float32Array([5]));
    const after = values(backend, x);
    backend.free(x);
    // Takes the freed memory over.
    const y = upload(backend, [6, 6, 6, 6]);
    assertEquals(await before, [0, 1, 2, 3]);
    assertEquals(await between, [1, 3, 5, 7]);
    assertEquals(await after, [5, 3, 5, 7]);
    assertEquals(await values(backend, y), [6, 6, 6, 6]);
  }),
);

Deno.test(
  "downloads requested together share one wait",
  withBackend(async (backend) => {
    const buffers = Array.from(
      { length: 32 },
      (_, i) => upload(backend, [i, i + 1, i + 2]),
    );
    await backend.synchronize();
    // A wait costs the same however much it waits for, so waits are what counts
    const { mapAsync } = GPUBuffer.prototype;
    let waits = 0;
    GPUBuffer.prototype.mapAsync = function (this: GPUBuffer, ...args: Parameters<typeof mapAsync>) {
      waits++;
      return mapAsync.apply(this, args);
    };
    try {
      const all = await Promise.all(buffers.map((b) => values(backend, b)));
      all.forEach((v, i) => assertEquals(v, [i, i + 1, i + 2]));
    } finally {
      GPUBuffer.prototype.mapAsync = mapAsync;
    }
    assertEquals(waits, 1);
  }),
);

Deno.test("a backend that was destroyed says so", async () => {
  const backend = await createWebGpuBackend();
  const buffer = backend.allocate(4);
  backend.destroy();
  backend.destroy();
  backend.free(buffer);
  assertThrows(() => backend.allocate(4), TypeError, "was destroyed");
  await assertRejects(() => backend.synchronize(), TypeError, "was destroyed");
  assertEquals(backend.stats().liveBuffers, 0);
});
