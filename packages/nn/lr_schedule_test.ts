import { assertEquals, assertThrows } from "@std/assert";
import { assertGolden, goldenCase, goldenNames } from "./golden.ts";
import { lrSchedule, type LrScheduleName } from "./lr_schedule.ts";

interface Config {
  name: LrScheduleName;
  base_lr: number;
  warmup_steps: number;
  total_steps: number;
  num_cycles?: number;
}

for (const name of goldenNames("optim", /^lr_/)) {
  Deno.test(`lrSchedule() matches diffusers: ${name}`, () => {
    const golden = goldenCase<Config>("optim", name);
    const { base_lr, warmup_steps, total_steps, num_cycles } = golden.config;
    const lr = lrSchedule({
      name: golden.config.name,
      lr: base_lr,
      warmupSteps: warmup_steps,
      totalSteps: total_steps,
      numCycles: num_cycles,
    });
    const steps = golden.outputs.get("learning_rates")!.size;
    const actual = Array.from({ length: steps }, (_, step) => lr(step));
    assertGolden(golden, new Map([["learning_rates", actual]]));
  });
}

Deno.test("lrSchedule() refuses bad settings", () => {
  const cases: [object, string][] = [
    [{ name: "cosine" }, '"cosine" needs totalSteps'],
    [{ name: "linear", totalSteps: 3, warmupSteps: 5 }, "totalSteps is 3"],
    [{ name: "constant", lr: -1 }, "lr is -1"],
    [{ name: "constant", lr: NaN }, "lr is NaN"],
    [{ name: "polynomial", totalSteps: 3, lrEnd: 1 }, "lrEnd is 1"],
    [{ name: "cosin", totalSteps: 3 }, 'schedule is "cosin"'],
  ];
  for (const [options, message] of cases) {
    assertThrows(
      () => lrSchedule({ lr: 0.1, ...options } as never),
      RangeError,
      message,
    );
  }
});

Deno.test("polynomial decay uses its power", () => {
  const lr = lrSchedule({
    name: "polynomial",
    lr: 1,
    lrEnd: 0,
    power: 2,
    totalSteps: 4,
  });
  assertEquals([0, 1, 2, 4, 9].map(lr), [1, 0.5625, 0.25, 0, 0]);
});
