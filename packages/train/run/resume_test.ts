import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { checkpointOf, CONFIGS, start } from "../testing/command.ts";

const STEPS = 60;

/** A run with noise in every step, an average, clipping, a decaying learning rate and a scaled loss: all that a state can hold. */
function train(out: string, ...more: string[]): string[] {
  return [
    "train",
    `${CONFIGS}preference.json`,
    "--out",
    out,
    "--steps",
    `${STEPS}`,
    "--set",
    "checkpoint.every=2",
    "--set",
    "augment.noise=0.1",
    "--set",
    "optimizer.ema_decay=0.9",
    "--set",
    "optimizer.schedule.name=cosine",
    "--set",
    "precision=f16",
    ...more,
  ];
}

/** The log without what differs from run to run: timings, and where it was resumed. */
function lines(out: string): string[] {
  return Deno.readTextFileSync(`${out}/metrics.jsonl`).trim().split("\n")
    .map((line) => JSON.parse(line))
    .filter((line) => line.event === undefined)
    .map(({ step_seconds: _, ...line }) => JSON.stringify(line));
}

Deno.test("a run that is interrupted, killed and resumed equals one that is not, bit for bit", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const whole = `${directory}/whole`, broken = `${directory}/broken`;
    const uninterrupted = await start(...train(whole)).finished();
    assertEquals(uninterrupted.code, 0, uninterrupted.stderr);

    const first = start(...train(broken));
    await checkpointOf(broken, 4);
    first.kill("SIGINT");
    const interrupted = await first.finished();
    assertEquals(interrupted.code, 130, interrupted.stderr);
    const stoppedAt = Number(/Stopped after step (\d+)/.exec(interrupted.stderr)?.[1]);
    assert(stoppedAt >= 4 && stoppedAt < STEPS, interrupted.stderr);
    await checkpointOf(broken, stoppedAt);

    const second = start(...train(broken, "--resume"));
    await checkpointOf(broken, stoppedAt + 4);
    second.kill("SIGKILL");
    assert((await second.finished()).code !== 0);

    // A file that a crash has left half written, and a damaged newest checkpoint, are passed over.
    const newest = [...Deno.readDirSync(`${broken}/checkpoints`)].map((f) => f.name)
      .filter((name) => name.endsWith(".safetensors")).sort().at(-1)!;
    Deno.truncateSync(`${broken}/checkpoints/${newest}`, 1000);
    const third = await start("train", "--resume", "--json", "--out", broken).finished();
    assertEquals(third.code, 0, third.stderr);
    assertStringIncludes(third.stderr, `${newest} is passed over`);
    const at = Number(/Going on after step (\d+)/.exec(third.stderr)?.[1]);
    assertMatch(third.stderr, new RegExp(`${STEPS} steps, those after step ${at} in [\\d.]+ s`));
    const { steps, resumed_at } = JSON.parse(third.stdout.trim().split("\n").at(-1)!);
    assertEquals([steps, resumed_at], [STEPS, at]);

    const last = `checkpoints/step-${`${STEPS}`.padStart(6, "0")}.safetensors`;
    assertEquals(Deno.readFileSync(`${broken}/${last}`), Deno.readFileSync(`${whole}/${last}`));
    assertEquals(lines(broken), lines(whole));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a number that is not finite stops the run and names step, term and checkpoint", async () => {
  const out = await Deno.makeTempDir();
  try {
    const run = await start(...train(out, "--set", "optimizer.lr=1e38", "--set", "checkpoint.every=1")).finished();
    assertEquals(run.code, 1);
    assertMatch(run.stderr, /Step \d+: \w+ is (NaN|-?Infinity), expected a finite number; /);
    assertMatch(run.stderr, /the last good checkpoint is .*step-\d+\.safetensors/);
    const last = lines(out).at(-1)!;
    assertMatch(last, /"(NaN|-?Infinity)"/);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});
