import { assertEquals, assertThrows } from "@std/assert";
import { scalar } from "@dipp/tensor";
import { flattenParams } from "./params.ts";
import { sgd } from "./sgd.ts";

Deno.test("sgd() keeps a buffer only for momentum", () => {
  const names = (
    momentum: number,
  ) => [...flattenParams(sgd({ momentum }).init({ w: scalar(1) })).keys()];
  assertEquals(names(0), ["step"]);
  assertEquals(names(0.9), ["step", "momentum_buffer.w"]);
});

Deno.test("sgd() refuses bad settings", () => {
  assertThrows(() => sgd({ momentum: -1 }), RangeError, "momentum is -1");
  assertThrows(() => sgd({ nesterov: true }), RangeError, "Nesterov momentum");
  assertThrows(
    () => sgd({ nesterov: true, momentum: 0.9, dampening: 0.1 }),
    RangeError,
    "dampening 0.1",
  );
});
