/**
 * Which names a run learns. A model of a million parameters trained for half an hour on two CPU cores sees some fifty
 * thousand drawings; spread over 1,911 names that is a dozen looks at each, too few to tell a turtle from a frog. The
 * smaller presets keep what such a model can get right: clear colours, one simple shape, and words that come back in
 * other names (blue heart, blue circle, green apple), so that a prompt held out of training still means something.
 */

/** A choice of names: everything in `subcategories`, and `names` besides. */
export interface Preset {
  /** What it is, for help texts. */
  description: string;
  /** Unicode subcategories taken whole; undefined takes everything. */
  subcategories?: readonly string[];
  /** Single names. */
  names?: readonly string[];
}

/** Names of the presets. */
export type PresetName = "small" | "core" | "full";

const ANIMAL_FACES = [
  ..."monkey dog wolf fox cat lion tiger horse unicorn zebra cow pig mouse hamster rabbit bear panda frog dragon"
    .split(" ").map((animal) => `${animal} face`),
  "polar bear",
  "koala",
];

/** Flags of few, large areas of colour. */
const FLAGS = (
  "france germany italy belgium ireland netherlands russia ukraine poland austria sweden finland denmark switzerland " +
  "japan china romania hungary nigeria colombia"
).split(" ").map((country) => `${country} flag`);

const MORE_FLAGS = (
  "bulgaria czechia estonia greece iceland latvia lithuania luxembourg norway spain türkiye vietnam indonesia peru " +
  "mali guinea chad gabon senegal cameroon mauritius armenia yemen thailand bangladesh canada cuba brazil jamaica israel"
).split(" ").map((country) => `${country} flag`);

/** Without the black and white squares of every size, which only a ruler tells apart. */
const SHAPES = [
  ..."red orange yellow green blue purple brown".split(" ").flatMap((
    colour,
  ) => [`large ${colour} circle`, `large ${colour} square`]),
  "large orange diamond",
  "large blue diamond",
  "up-pointing red triangle",
  "down-pointing red triangle",
  "diamond shape with a dot inside",
];

const SMALL_SUBCATEGORIES = [
  "heart",
  "food-fruit",
  "face-smiling",
  "face-affection",
  "cat-face",
  "plant-flower",
];

const SMALL_NAMES = [...SHAPES, ...ANIMAL_FACES, ...FLAGS];

/** The presets by name. */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  small: {
    description: "faces, hearts, coloured shapes, fruit, flowers, animal faces, twenty flags",
    subcategories: SMALL_SUBCATEGORIES,
    names: SMALL_NAMES,
  },
  core: {
    description: "small, and more faces, vegetables, dishes, sweets, plants, sea animals, fifty flags",
    subcategories: [
      ...SMALL_SUBCATEGORIES,
      "face-tongue",
      "face-unwell",
      "face-glasses",
      "face-hat",
      "face-negative",
      "food-vegetable",
      "food-sweet",
      "food-prepared",
      "plant-other",
      "animal-marine",
    ],
    names: [...SMALL_NAMES, ...MORE_FLAGS],
  },
  full: { description: "all 1,911 names" },
};

/** Whether a preset holds an emoji. */
export function inPreset(
  preset: Preset,
  emoji: { name: string; subcategory: string },
): boolean {
  if (preset.subcategories === undefined && preset.names === undefined) {
    return true;
  }
  return (preset.subcategories?.includes(emoji.subcategory) ?? false) ||
    (preset.names?.includes(emoji.name) ?? false);
}
