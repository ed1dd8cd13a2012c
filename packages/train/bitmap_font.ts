/**
 * A 5x8 bitmap font for printable ASCII, drawn for this project. Labels on sample grids need no system fonts this way:
 * they look the same on every machine, and the pixels can be tested.
 *
 * A glyph is eight digits in base 32, one per row from the top; a digit's five bits are the row's pixels, most
 * significant bit leftmost. Rows 0-6 hold capitals, row 7 the descenders.
 */
const GLYPHS: Record<string, string> = {
  " ": "00000000",
  "!": "44444040",
  '"': "aa000000",
  "#": "aavavaa0",
  "$": "4fke5u40",
  "%": "op248j30",
  "&": "8kk8lid0",
  "'": "44000000",
  "(": "24888420",
  ")": "84222480",
  "*": "04lel400",
  "+": "044v4400",
  ",": "00000448",
  "-": "000e0000",
  ".": "00000cc0",
  "/": "01248g00",
  ":": "0cc0cc00",
  ";": "0cc0c480",
  "<": "248g8420",
  "=": "00v0v000",
  ">": "84212480",
  "?": "eh124040",
  "@": "eh1dlle0",
  "[": "e88888e0",
  "\\": "0g842100",
  "]": "e22222e0",
  "^": "4ah00000",
  "_": "0000000v",
  "`": "84200000",
  "{": "24484420",
  "|": "44444440",
  "}": "84424480",
  "~": "008l2000",
  "0": "ehjlphe0",
  "1": "4c4444e0",
  "2": "eh1248v0",
  "3": "v2421he0",
  "4": "26aiv220",
  "5": "vgu11he0",
  "6": "68guhhe0",
  "7": "v1248880",
  "8": "ehhehhe0",
  "9": "ehhf12c0",
  "A": "ehhvhhh0",
  "B": "uhhuhhu0",
  "C": "ehggghe0",
  "D": "uhhhhhu0",
  "E": "vgguggv0",
  "F": "vgguggg0",
  "G": "ehgnhhe0",
  "H": "hhhvhhh0",
  "I": "e44444e0",
  "J": "72222ic0",
  "K": "hikokih0",
  "L": "ggggggv0",
  "M": "hrllhhh0",
  "N": "hhpljhh0",
  "O": "ehhhhhe0",
  "P": "uhhuggg0",
  "Q": "ehhhlid0",
  "R": "uhhukih0",
  "S": "fgge11u0",
  "T": "v4444440",
  "U": "hhhhhhe0",
  "V": "hhhhha40",
  "W": "hhhllla0",
  "X": "hha4ahh0",
  "Y": "hha44440",
  "Z": "v1248gv0",
  "a": "00e1fhf0",
  "b": "ggmphhu0",
  "c": "00egghe0",
  "d": "11djhhf0",
  "e": "00ehvge0",
  "f": "698s8880",
  "g": "00fhhf1e",
  "h": "ggmphhh0",
  "i": "40c444e0",
  "j": "206222ic",
  "k": "ggikoki0",
  "l": "c44444e0",
  "m": "00qllhh0",
  "n": "00mphhh0",
  "o": "00ehhhe0",
  "p": "00uhhugg",
  "q": "00fhhf11",
  "r": "00mpggg0",
  "s": "00fge1u0",
  "t": "88s88960",
  "u": "00hhhjd0",
  "v": "00hhha40",
  "w": "00hhlla0",
  "x": "00ha4ah0",
  "y": "00hhhf1e",
  "z": "00v248v0",
};

/** Width of one character with its gap, in unscaled pixels. */
export const GLYPH_ADVANCE = 6;

/** Height of one line of text with its gap, in unscaled pixels. */
export const LINE_HEIGHT = 10;

/** Maps text to characters that the font has: accents dropped, typographic quotes made plain, anything else "?". */
export function toPrintable(text: string): string {
  const plain = text.normalize("NFD").replace(/\p{M}/gu, "").replace(
    /[\u2018\u2019]/g,
    "'",
  )
    .replace(/[\u2013\u2014]/g, "-");
  return Array.from(plain, (c) => c in GLYPHS ? c : "?").join("");
}

/**
 * Calls `plot(x, y)` for every lit pixel of `text`, one line, its top-left corner at (0, 0), in unscaled pixels.
 *
 * @param text The text; characters outside printable ASCII are mapped by {@link toPrintable}.
 * @param plot Receives the pixel's column and row.
 */
export function plotText(
  text: string,
  plot: (x: number, y: number) => void,
): void {
  let left = 0;
  for (const character of toPrintable(text)) {
    const glyph = GLYPHS[character];
    for (let y = 0; y < 8; y++) {
      const row = parseInt(glyph[y], 32);
      for (let x = 0; x < 5; x++) if (row & (16 >> x)) plot(left + x, y);
    }
    left += GLYPH_ADVANCE;
  }
}

/**
 * Breaks text into at most `maxLines` lines of at most `columns` characters, at spaces where possible; what does not
 * fit is cut and marked with "..".
 */
export function wrapText(
  text: string,
  columns: number,
  maxLines: number,
): string[] {
  const width = Math.max(1, columns);
  const lines: string[] = [];
  let line = "";
  for (let word of toPrintable(text).split(/\s+/)) {
    while (true) {
      const joined = line === "" ? word : `${line} ${word}`;
      if (joined.length <= width) {
        line = joined;
        break;
      }
      if (line !== "") {
        lines.push(line);
        line = "";
        continue;
      }
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
  }
  if (line !== "") lines.push(line);
  if (lines.length <= maxLines) return lines;
  const kept = lines.slice(0, maxLines);
  kept[maxLines - 1] = kept[maxLines - 1].slice(0, Math.max(0, width - 2)) +
    "..";
  return kept;
}
