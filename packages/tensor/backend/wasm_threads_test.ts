import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { control, forEach, i32, type WasmKernel } from "@dipp/kernels/wasm";
import { createWasmBackend } from "./wasm.ts";
import { driverModule, WORDS } from "./wasm_driver.ts";
import { MAXIMUM_PAGES } from "./wasm_memory.ts";
import { dispatch, entry, kernel, step, upload, values, wait, withBackend } from "./wasm_testing.ts";
import { Threads } from "./wasm_threads.ts";

/**
 * Sums tasks' parts in shared memory: parts[i] = a sum in memory of the thread's own, then x[0] = a hash of the parts in
 * their order, then x[1 + i] = x[0] + i.
 */
const PARTS: WasmKernel = {
  key: "parts",
  phases: [
    {
      tasks: 37,
      entry: entry(({ task, scratch, shared, variable }) => {
        const i = variable();
        const own = scratch(i32.const(0));
        return [
          i32.store(own, i32.const(0)),
          forEach(
            i,
            i32.const(0),
            i32.const(1000),
            1,
            i32.store(own, i32.add(i32.mul(i32.load(own), i32.const(31)), i32.xor(i.get, task.get))),
          ),
          i32.store(shared(task.get), i32.load(own)),
        ];
      }),
    },
    {
      tasks: 1,
      entry: entry(({ element, shared, variable }) => {
        const i = variable();
        const x = element(0, i32.const(0));
        return forEach(
          i,
          i32.const(0),
          i32.const(37),
          1,
          i32.store(x, i32.add(i32.mul(i32.load(x), i32.const(7)), i32.load(shared(i.get)))),
        );
      }),
    },
    {
      tasks: 63,
      entry: entry(({ task, element }) =>
        i32.store(
          element(0, i32.add(task.get, i32.const(1))),
          i32.add(task.get, i32.load(element(0, i32.const(0)))),
        )
      ),
    },
  ],
  scratchBytes: 4,
  sharedBytes: 4 * 37,
};

Deno.test("any number of threads gives the same", async () => {
  const all: number[][] = [];
  for (const threads of [1, 2, 3, 8]) {
    await withBackend(async (backend) => {
      const x = upload(backend, new Array(64).fill(0));
      const program = backend.prepare([dispatch(backend.compile(PARTS, "parts", ["read_write"]), [], [x])]);
      for (let i = 0; i < 50; i++) backend.submit(program);
      all.push(await values(backend, x));
    }, { threads })();
  }
  let x0 = 0;
  for (let run = 0; run < 50; run++) {
    for (let task = 0; task < 37; task++) {
      let own = 0;
      for (let i = 0; i < 1000; i++) own = (Math.imul(own, 31) + (i ^ task)) | 0;
      x0 = (Math.imul(x0, 7) + own) | 0;
    }
  }
  const expected = Array.from({ length: 64 }, (_, i) => i === 0 ? x0 : (x0 + i - 1) | 0);
  for (const result of all) assertEquals(result, expected);
});

/** y[i] = 3 x[i] + x[i + 1 mod n]: each phase reads what other tasks of the one before it wrote. */
const ring = (n: number) =>
  kernel(`ring ${n}`, n, ({ task, element }) => {
    const next = i32.remU(i32.add(task.get, i32.const(1)), i32.const(n));
    return i32.store(
      element(1, task.get),
      i32.add(i32.mul(i32.load(element(0, task.get)), i32.const(3)), i32.load(element(0, next))),
    );
  });

Deno.test("thousands of tiny phases wait for one another", async () => {
  for (const threads of [2, 5]) {
    await withBackend(async (backend) => {
      for (const n of [2, 3, 17]) {
        let expected = Array.from({ length: n }, (_, i) => i + 1);
        let [x, y] = [upload(backend, expected), backend.allocate(4 * n)];
        const pipeline = backend.compile(ring(n), "ring", ["read", "read_write"]);
        const commands = Array.from({ length: 2000 }, () => {
          const command = dispatch(pipeline, [x], [y]);
          [x, y] = [y, x];
          expected = expected.map((value, i) => (Math.imul(value, 3) + expected[(i + 1) % n]) | 0);
          return command;
        });
        backend.submit(backend.prepare(commands));
        assertEquals(await values(backend, x), expected);
      }
    }, { threads })();
  }
});

Deno.test(
  "the event loop runs while the threads compute",
  withBackend(async (backend) => {
    const x = upload(backend, [0]);
    backend.submit(backend.prepare([wait(backend, x, 1e8)]));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    assertEquals(await values(backend, x), [1e8]);
    clearInterval(timer);
    assert(turns > 3, `${turns}`);
  }),
);

Deno.test("threads with nothing to do sleep", async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MAXIMUM_PAGES, shared: true });
  const words = new Int32Array(memory.buffer);
  const driver = new WebAssembly.Module(driverModule(MAXIMUM_PAGES));
  const threads = new Threads(3, driver, memory, (reason) => {
    throw new Error(reason);
  });
  while (Atomics.load(words, WORDS.sleepers / 4) < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  // Fast asleep: all of them are woken by one call
  while (Atomics.notify(words, WORDS.epoch / 4) < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  threads.terminate();
});

Deno.test("a kernel that fails is named, and the device is lost", async () => {
  const backend = await createWasmBackend({ threads: 3 });
  const [x, y] = [upload(backend, [0, 1, 2, 3]), upload(backend, [4])];
  const bad = kernel("bad", 5, ({ task }) => control.if(i32.eq(task.get, i32.const(3)), control.unreachable));
  const program = backend.prepare([
    step(backend, x),
    dispatch(backend.compile(bad, "softmax", ["read_write"]), [], [x]),
  ]);
  backend.submit(program);
  backend.submit(backend.prepare([step(backend, y)]));
  const waiting = [backend.download(x), backend.download(y), backend.synchronize()];
  for (const one of await Promise.allSettled(waiting)) {
    assert(one.status === "rejected");
    assertEquals(
      one.reason.message,
      'The device was lost: kernel "softmax" failed: unreachable; init() opens it anew, without the tensors that lay on it',
    );
  }
  assertThrows(() => backend.submit(program), Error, 'kernel "softmax" failed');
  assertThrows(() => backend.allocate(4), Error, "The device was lost");
  await assertRejects(() => backend.download(x), Error, "The device was lost");
  assertEquals(backend.lost?.message.includes("softmax"), true);
  backend.free(x);
  backend.destroy();
  assertThrows(() => backend.allocate(4), TypeError, "was destroyed");
});

Deno.test("a thread that ends is an error for whoever waits", async () => {
  // The threads are nobody's business, so the test takes them where they are made
  const { Worker } = globalThis.process.getBuiltinModule("node:worker_threads");
  const { unref } = Worker.prototype;
  const workers: InstanceType<typeof Worker>[] = [];
  Worker.prototype.unref = function (this: InstanceType<typeof Worker>) {
    if (!workers.includes(this)) workers.push(this);
    return unref.call(this);
  };
  try {
    const backend = await createWasmBackend({ threads: 2 });
    const x = upload(backend, [0]);
    backend.submit(backend.prepare([wait(backend, x, 1e8)]));
    const waiting = backend.download(x);
    while (workers.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    workers[0].terminate();
    await assertRejects(() => waiting, Error, "The device was lost: a thread has ended");
    await assertRejects(() => backend.synchronize(), Error, "The device was lost");
    backend.destroy();
  } finally {
    Worker.prototype.unref = unref;
  }
});

Deno.test("destroy() ends what runs, and whoever waits is told", async () => {
  const backend = await createWasmBackend({ threads: 2 });
  const x = upload(backend, [0]);
  backend.submit(backend.prepare([wait(backend, x, 1e9)]));
  const waiting = backend.download(x);
  backend.destroy();
  backend.destroy();
  backend.free(x);
  await assertRejects(() => waiting, TypeError, "was destroyed");
  await assertRejects(() => backend.synchronize(), TypeError, "was destroyed");
  assertEquals(backend.stats().liveBuffers, 0);
});

Deno.test("a process needs no permission, lives while it waits, and ends with work in flight", async () => {
  const source = `
    import { createWasmBackend } from "${import.meta.resolve("./wasm.ts")}";
    import { upload, values, wait } from "${import.meta.resolve("./wasm_testing.ts")}";
    const backend = await createWasmBackend({ threads: 2 });
    const x = upload(backend, [0]);
    backend.submit(backend.prepare([wait(backend, x, 1e6)]));
    console.log(await values(backend, x));
    backend.submit(backend.prepare([wait(backend, x, 2e9)]));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { code, stdout } = await child.output();
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "[ 1000000 ]\n"]);
});
