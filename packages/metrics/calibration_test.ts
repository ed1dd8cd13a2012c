import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { fold, key, uniform } from "@dipp/tensor";
import { pairCalibration } from "./calibration.ts";

const logit = (p: number) => Math.log(p / (1 - p));

Deno.test("pairCalibration() is the sum over bins that it says, whichever image comes first", () => {
  // 0.65, 0.65 (one right, one wrong), 0.95 (right), 0.95 (a tie), and 0.95 from the other side (right)
  const differences = [logit(0.65), logit(0.65), logit(0.95), logit(0.95), -logit(0.95)];
  const targets = [1, 0, 1, 0.5, 0];
  const { loss, accuracy, calibrationError, reliability } = pairCalibration(differences, targets, 5);
  assertEquals(reliability.map(({ count }) => count), [0, 2, 0, 0, 3]);
  assertAlmostEquals(reliability[1].confidence!, 0.65);
  assertAlmostEquals(reliability[1].accuracy!, 0.5);
  assertAlmostEquals(reliability[4].accuracy!, 2.5 / 3);
  assertEquals([reliability[0].accuracy, reliability[0].confidence], [null, null]);
  assertAlmostEquals(reliability[1].low, 0.6);
  assertAlmostEquals(calibrationError, (2 * 0.15 + 3 * (0.95 - 2.5 / 3)) / 5);
  assertAlmostEquals(accuracy, 3 / 4);
  const [p, q] = [0.65, 0.95];
  const entropy = -(Math.log(p) + Math.log(1 - p) + 2 * Math.log(q) + Math.log(q * (1 - q)) / 2) / 5;
  assertAlmostEquals(loss, entropy);
  const turned = pairCalibration(differences.map((d) => -d), targets.map((t) => 1 - t), 5);
  assertAlmostEquals(turned.calibrationError, calibrationError);
  assertAlmostEquals(turned.loss, loss);
});

Deno.test("outcomes drawn from the probabilities are calibrated, those of an overconfident model are not", async () => {
  const n = 4000;
  const scores = await uniform(fold(key(3), 0), [n], -3, 3).data();
  const chances = await uniform(fold(key(3), 1), [n]).data();
  const outcomes = Array.from(scores, (d, i) => chances[i] < 1 / (1 + Math.exp(-d)) ? 1 : 0);
  const honest = pairCalibration(scores, outcomes), bold = pairCalibration(scores.map((d) => 4 * d), outcomes);
  assert(honest.calibrationError < 0.03, `${honest.calibrationError}`);
  assert(bold.calibrationError > 0.1 && bold.loss > honest.loss);
  assertEquals(bold.accuracy, honest.accuracy);
});

Deno.test("pairCalibration() takes what is equal as half right, and survives certainty", () => {
  const even = pairCalibration([0, 0], [1, 0]);
  assertEquals([even.accuracy, even.calibrationError, even.loss], [0.5, 0, Math.log(2)]);
  assertEquals(pairCalibration([1000, -1000], [1, 1]).loss, 500);
  assertEquals(pairCalibration([1], [0.5]).accuracy, NaN);
});

Deno.test("pairCalibration() names what is wrong", () => {
  assertThrows(() => pairCalibration([], []), RangeError, "0 differences and 0 targets");
  assertThrows(() => pairCalibration([1], [1, 0]), RangeError, "1 differences and 2 targets");
  assertThrows(() => pairCalibration([NaN], [1]), RangeError, "difference 0 is NaN");
  assertThrows(() => pairCalibration([1], [2]), RangeError, "target 0 is 2, expected a number in [0, 1]");
  assertThrows(() => pairCalibration([1], [1], 0), RangeError, "bins is 0");
});
