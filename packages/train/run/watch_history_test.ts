import { assertEquals } from "@std/assert";
import { bestLook, partingOf, reasonToStop, type WatchPoint, type WatchRule } from "./watch_history.ts";

const RULE: WatchRule = { training: "reward", heldOut: "taste", parted: 2, below: { diversity: 0.5 } };

/** A look every ten steps; each prompt's number is the mean plus its own offset, and the same noise in every look. */
function looks(reward: number[], taste: number[], diversity: number[] = [], noise = 0): WatchPoint[] {
  return reward.map((r, i) => {
    const prompts = (mean: number) =>
      Array.from({ length: 8 }, (_, p) => mean + 100 * p + noise * Math.sin(5 * p + 3 * i));
    return {
      step: 10 * i,
      metrics: { reward: r, taste: taste[i], diversity: diversity[i] ?? 1 },
      per_prompt: { reward: prompts(r), taste: prompts(taste[i]) },
    };
  });
}

const parting = (reward: number[], taste: number[], noise = 0) => partingOf(looks(reward, taste, [], noise), RULE);

Deno.test("reward and held-out number part at the held-out number's highest look", () => {
  assertEquals(parting([0, 1, 2, 3, 4], [0, 1, 2, 1.5, 1]), { step: 20, looks: 2 });
  assertEquals(parting([0, 1, 2], [0, -1, -2]), { step: 0, looks: 2 });
});

Deno.test("they have not parted where both rise, both fall, or they have met again", () => {
  assertEquals(parting([0, 1, 2], [0, 1, 2]), undefined);
  assertEquals(parting([0, 1, -1], [0, 1, -1]), undefined);
  assertEquals(parting([0, 1, 2, 3], [0, 1, 0.5, 2]), undefined);
});

Deno.test("prompts differ by far more than a look, but only differences within prompts count", () => {
  assertEquals(parting([0, 1, 2], [0, 1, 0.9]), { step: 10, looks: 1 });
  assertEquals(parting([0, 1, 2], [0, 1, 0.9], 2), undefined, "0.1 is within the noise of the differences");
});

Deno.test("a run is ended after the looks in a row that the rule names, not before", () => {
  const history = looks([0, 1, 2, 3], [0, 1, 0.5, 0]);
  assertEquals(reasonToStop(history.slice(0, 3), RULE), undefined);
  assertEquals(reasonToStop(history, RULE), "reward has risen and taste fallen since step 10, for 2 looks");
  assertEquals(reasonToStop(history, { ...RULE, parted: null }), undefined);
  assertEquals(reasonToStop(history, { ...RULE, heldOut: null }), undefined);
});

Deno.test("a run is ended when a metric is below its share of the start, and goes back to a look before that", () => {
  const history = looks([0, 1, 2], [0, 1, 2], [0.8, 0.5, 0.39]);
  assertEquals(reasonToStop(history.slice(0, 2), RULE), undefined);
  assertEquals(reasonToStop(history, RULE), "diversity is 0.39, below 0.5 of the 0.8 that it began with");
  assertEquals(bestLook(history, RULE), 1);
  assertEquals(bestLook(history, { ...RULE, below: {} }), 2);
  assertEquals(bestLook(looks([0, 1, 2], [0, 1, 0.5]), RULE), 1);
  assertEquals(bestLook(looks([0, 1, 2], [0, 1, 0.5]), { ...RULE, heldOut: null }), 2);
});
