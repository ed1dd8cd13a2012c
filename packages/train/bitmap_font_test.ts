import { assertEquals } from "@std/assert";
import { plotText, toPrintable, wrapText } from "./bitmap_font.ts";

Deno.test("a glyph is drawn as its bits say", () => {
  const rows = Array.from({ length: 8 }, () => Array(11).fill("."));
  plotText("Ty", (x, y) => rows[y][x] = "#");
  assertEquals(rows.map((row) => row.join("")), [
    "#####......",
    "..#........",
    "..#...#...#",
    "..#...#...#",
    "..#...#...#",
    "..#....####",
    "..#.......#",
    ".......###.",
  ]);
});

Deno.test("every printable ASCII character has a glyph of its own", () => {
  const seen = new Set<string>();
  for (let code = 33; code < 127; code++) {
    const character = String.fromCharCode(code), lit: string[] = [];
    assertEquals(toPrintable(character), character);
    plotText(character, (x, y) => lit.push(`${x},${y}`));
    assertEquals(lit.length > 0, true, character);
    seen.add(lit.join(" "));
  }
  assertEquals(seen.size, 94);
});

Deno.test("accents fall, other scripts become question marks", () => {
  assertEquals(toPrintable("Côte d’Ivoire 日"), "Cote d'Ivoire ?");
});

Deno.test("text wraps at spaces, long words are cut, what is left over is marked", () => {
  assertEquals(wrapText("red apple", 9, 2), ["red apple"]);
  assertEquals(wrapText("smiling face with", 9, 2), ["smiling", "face with"]);
  assertEquals(wrapText("smiling face with open mouth", 9, 2), [
    "smiling",
    "face wi..",
  ]);
  assertEquals(wrapText("watermelon", 6, 2), ["waterm", "elon"]);
});
