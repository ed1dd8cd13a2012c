/**
 * What every thread of the WebAssembly backend runs: it takes programs out of a queue in shared memory and shares the
 * tasks of their phases with the other threads.
 *
 * One thread at a time leads. It walks through a program, runs phases of a single task itself, and offers the tasks of a
 * larger phase by a counter that everybody takes from. Whoever finishes the last task of a phase leads from there. So
 * nobody is waited for that has no task: a thread that sleeps, or that the system does not let run, costs nothing.
 *
 * @module
 */

import { buildModule, control, i32, i64, WasmFunction } from "@dipp/kernels/wasm";
import type { Code, Local } from "@dipp/kernels/wasm";

/** Addresses of the words that threads share; words that different threads write often are far apart. */
export const WORDS = {
  /** Tasks of the present phase that nobody has taken; zero or less where there are none. */
  remaining: 0,
  /** Tasks of the present phase that are not finished. */
  unfinished: 128,
  /** Changes whenever there is something new to do: what idle threads sleep on. */
  epoch: 256,
  /** Threads that sleep, or are about to. */
  sleepers: 384,
  /** One where the queue needs somebody who leads. */
  lead: 512,
  /** Programs in the queue, with the one that runs. */
  pending: 640,
  /** Programs that have run, modulo 2^32. */
  completed: 768,
  /** Not zero: everybody stops. */
  stop: 896,
  /** Modules sent to every thread. */
  posted: 900,
  /** Address of the present phase. */
  phase: 1024,
  /** Address of the present program. */
  program: 1028,
  /** Programs taken out of the queue, modulo 2^32. */
  head: 1032,
  /** Addresses of the queued programs, a ring. */
  queue: 2048,
} as const;

/** Programs that the queue holds. */
export const QUEUE_LENGTH = 256;

/** First byte that is free for use. */
export const FIRST_FREE = 4096;

/** Words of a program before its phases. */
export const HEADER = {
  /** Number of phases. */
  phases: 0,
  /** Address of the threads' own memory. */
  scratch: 1,
  /** Bytes of it for each thread. */
  stride: 2,
  /** Address of the memory that all tasks share. */
  shared: 3,
  /** Modules that must be there. */
  modules: 4,
} as const;

/** Words of the header. */
export const HEADER_WORDS = 8;

/** Words of a phase: entry in the table, tasks, byte of the program where its list of buffers is, number of its kernel. */
export const PHASE_WORDS = 4;

/** The table's entry of the copy: its list of buffers is target, source and number of bytes. */
export const COPY_ENTRY = 0;

/** Entries of the table that the driver takes. */
export const DRIVER_ENTRIES = 1;

const COPY_SHIFT = 20;

/** Bytes that one task of a copy copies. */
export const COPY_BYTES: number = 2 ** COPY_SHIFT;

/** A thread that leads, at the beginning of a program. */
const LEADING = -1;

/** A thread that leads, and has finished a phase. */
const WALKING = -2;

/**
 * Rounds of looking for work before a thread sleeps, about 30 us: waking takes twice that, and between two large
 * phases there are small ones that one thread runs.
 */
const SPINS = 20_000;

const { loop, br, brIf, callIndirect } = control;
const at = i32.const;
const always = i64.const(-1);

/**
 * The bytes of the module. It imports memory and table and exports `run(thread, modules, held)`: the number of the thread,
 * the number of modules that it has put into the table and, to go on, what `run` returned. It returns where there is a
 * module to take in, or everybody stops.
 *
 * @param maximumPages The memory's maximum.
 * @returns What `new WebAssembly.Module` takes.
 */
export function driverModule(maximumPages: number): Uint8Array<ArrayBuffer> {
  return buildModule({
    exports: [runFunction()],
    types: [entryType()],
    table: [copyFunction()],
    tableOffset: 0,
    memory: { minimum: 1, maximum: maximumPages, shared: true },
  });
}

function entryType(): WasmFunction {
  const entry = new WasmFunction("entry");
  for (let i = 0; i < 4; i++) entry.parameter("i32");
  return entry;
}

function copyFunction(): WasmFunction {
  const copy = new WasmFunction("copy");
  const [task, buffers] = [0, 1, 2, 3].map(() => copy.parameter("i32"));
  const [from, bytes] = copy.locals("i32", 2);
  copy.body = [
    from.set(i32.shl(task.get, at(COPY_SHIFT))),
    bytes.set(i32.sub(i32.load(buffers.get, 8), from.get)),
    control.if(i32.gtU(bytes.get, at(COPY_BYTES)), bytes.set(at(COPY_BYTES))),
    control.copy(
      i32.add(i32.load(buffers.get), from.get),
      i32.add(i32.load(buffers.get, 4), from.get),
      bytes.get,
    ),
  ];
  return copy;
}

/** Code of the functions of the driver: shared words, and the program and phase that a function is at. */
class Present {
  readonly program: Local;
  readonly phase: Local;

  constructor(f: WasmFunction) {
    [this.program, this.phase] = f.locals("i32", 2);
  }

  /** A word of the program's header. */
  header(name: keyof typeof HEADER): Code {
    return i32.load(this.program.get, 4 * HEADER[name]);
  }

  /** Takes up what the words say. */
  resume(): Code {
    return [this.program.set(i32.load(at(WORDS.program))), this.phase.set(i32.load(at(WORDS.phase)))];
  }

  /** Runs one task of the phase. */
  run(thread: Local, task: Code): Code {
    return callIndirect(
      0,
      i32.load(this.phase.get),
      task,
      i32.add(this.program.get, i32.load(this.phase.get, 8)),
      i32.add(this.header("scratch"), i32.mul(thread.get, this.header("stride"))),
      this.header("shared"),
    );
  }
}

const word = (name: keyof typeof WORDS): Code => i32.atomicLoad(at(WORDS[name]));
const add = (name: keyof typeof WORDS, x: Code): Code => i32.atomicAdd(at(WORDS[name]), x);
const returns = (value: Code): Code => [value, control.return];

/** `take(thread, held)` runs the task that it holds, and others while there are any; it leads if it finished the last. */
function takeFunction(): WasmFunction {
  const take = new WasmFunction("take", "i32");
  const [thread, held] = [0, 1].map(() => take.parameter("i32"));
  const [tasks, done] = take.locals("i32", 2);
  const present = new Present(take);
  take.body = [
    present.resume(),
    tasks.set(i32.load(present.phase.get, 4)),
    loop(
      present.run(thread, i32.sub(tasks.get, held.get)),
      done.set(i32.add(done.get, at(1))),
      brIf(0, i32.gtS(held.tee(add("remaining", at(-1))), at(0))),
    ),
    control.select(i32.eq(add("unfinished", i32.sub(at(0), done.get)), done.get), at(WALKING), at(0)),
  ];
  return take;
}

/**
 * `lead(thread, modules, held)` walks on from the present phase, or from the beginning of the next program, until it
 * has offered a phase (and holds its first task), the queue is empty, or it cannot begin a program that needs more modules.
 */
function leadFunction(): WasmFunction {
  const lead = new WasmFunction("lead", "i32");
  const [thread, modules, held] = [0, 1, 2].map(() => lead.parameter("i32"));
  const [tasks, last] = lead.locals("i32", 2);
  const present = new Present(lead);
  const { program, phase } = present;

  const beginProgram: Code = [
    program.set(i32.load(i32.shl(i32.and(i32.load(at(WORDS.head)), at(QUEUE_LENGTH - 1)), at(2)), WORDS.queue)),
    control.if(i32.gtU(present.header("modules"), modules.get), returns(at(LEADING))),
    i32.store(at(WORDS.program), program.get),
    phase.set(i32.add(program.get, at(4 * (HEADER_WORDS - PHASE_WORDS)))),
  ];
  const offerPhase: Code = [
    i32.atomicStore(at(WORDS.unfinished), tasks.get),
    // The first task is its own
    i32.atomicStore(at(WORDS.remaining), i32.sub(tasks.get, at(1))),
    control.drop(add("epoch", at(1))),
    control.if(word("sleepers"), control.drop(control.notify(at(WORDS.epoch), i32.sub(tasks.get, at(1))))),
  ];
  const endProgram: Code = [
    i32.store(at(WORDS.head), i32.add(i32.load(at(WORDS.head)), at(1))),
    control.drop(add("completed", at(1))),
    control.drop(control.notify(at(WORDS.completed), at(-1))),
  ];
  lead.body = [
    present.resume(),
    loop(
      control.if(i32.eq(held.get, at(LEADING)), beginProgram),
      last.set(i32.add(
        i32.add(program.get, at(4 * (HEADER_WORDS - PHASE_WORDS))),
        i32.mul(present.header("phases"), at(4 * PHASE_WORDS)),
      )),
      loop(
        control.if(word("stop"), returns(at(0))),
        control.if(i32.ltU(phase.get, last.get), [
          phase.set(i32.add(phase.get, at(4 * PHASE_WORDS))),
          i32.store(at(WORDS.phase), phase.get),
          tasks.set(i32.load(phase.get, 4)),
          control.if(i32.gtU(tasks.get, at(1)), [offerPhase, returns(tasks.get)]),
          control.if(tasks.get, present.run(thread, at(0))),
          br(1),
        ]),
      ),
      endProgram,
      control.if(i32.eq(add("pending", at(-1)), at(1)), returns(at(0))),
      held.set(at(LEADING)),
      br(0),
    ),
    at(0),
  ];
  return lead;
}

/** Functions that are called again and again are optimised; one that loops is not before it returns. So this is short. */
function runFunction(): WasmFunction {
  const run = new WasmFunction("run", "i32");
  const [thread, modules, held] = [0, 1, 2].map(() => run.parameter("i32"));
  const [epoch, spins] = run.locals("i32", 2);
  const [take, lead] = [takeFunction(), leadFunction()];
  const lacksModules = i32.gtU(i32.load(i32.load(at(WORDS.program)), 4 * HEADER.modules), modules.get);
  run.body = [
    loop(
      control.if(i32.gtS(held.get, at(0)), [
        control.if(lacksModules, returns(held.get)),
        held.set(control.call(take, thread.get, held.get)),
      ]),
      control.if(
        i32.ltS(held.get, at(0)),
        control.if(
          i32.ltS(held.tee(control.call(lead, thread.get, modules.get, held.get)), at(0)),
          returns(held.get),
        ),
      ),
      brIf(0, held.get),
      // What is new after this ends the sleep
      epoch.set(word("epoch")),
      control.if(i32.or(word("stop"), i32.gtU(word("posted"), modules.get)), returns(at(0))),
      control.if(i32.gtS(word("remaining"), at(0)), [
        control.if(i32.gtS(held.tee(add("remaining", at(-1))), at(0)), [spins.set(at(0)), br(2)]),
        held.set(at(0)),
      ]),
      control.if(i32.gtS(word("lead"), at(0)), [
        control.if(i32.eq(add("lead", at(-1)), at(1)), [held.set(at(LEADING)), spins.set(at(0)), br(2)]),
      ]),
      control.if(i32.ltU(spins.get, at(SPINS)), [spins.set(i32.add(spins.get, at(1))), br(1)]),
      control.drop(add("sleepers", at(1))),
      control.drop(control.wait32(at(WORDS.epoch), epoch.get, always)),
      control.drop(add("sleepers", at(-1))),
      spins.set(at(0)),
      br(0),
    ),
    at(0),
  ];
  return run;
}
