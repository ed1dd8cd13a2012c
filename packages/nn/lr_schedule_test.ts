import { assertEquals, assertThrows } from "@std/assert";
import { lrSchedule } from "./lr_schedule.ts";

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
