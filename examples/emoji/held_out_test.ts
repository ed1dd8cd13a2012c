import { assert, assertEquals } from "@std/assert";
import { chooseHeldOut } from "./held_out.ts";
import { words } from "./vocabulary.ts";

const COLOURS = ["red", "blue", "green", "black"],
  THINGS = ["heart", "circle", "square", "apple", "car"];
const NAMES = COLOURS.flatMap((colour) => THINGS.map((thing) => `${colour} ${thing}`));

Deno.test("the split depends on the set of names alone", () => {
  const chosen = chooseHeldOut(NAMES, 0.25).map((i) => NAMES[i]);
  assertEquals(chosen.length, 5);
  const reversed = [...NAMES].reverse();
  assertEquals(
    chooseHeldOut(reversed, 0.25).map((i) => reversed[i]).sort(),
    [...chosen].sort(),
  );
});

Deno.test("every word of a held-out name stays in two training names, however much is asked for", () => {
  const names = [...NAMES, "pear", "apple"];
  const held = new Set(chooseHeldOut(names, 0.99));
  const uses = new Map<string, number>();
  names.filter((_, i) => !held.has(i)).flatMap(words).forEach((word) => uses.set(word, (uses.get(word) ?? 0) + 1));
  assert(held.size > 5 && held.size < names.length - 5);
  for (const index of held) {
    for (const word of words(names[index])) {
      assert(uses.get(word)! >= 2, word);
    }
  }
  assert(!held.has(names.indexOf("pear")));
  assertEquals(chooseHeldOut(names, 0), []);
});
