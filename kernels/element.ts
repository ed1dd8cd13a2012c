/** How the elements of a storage array lie in its words: one `f32` each, four in a `vec4<f32>`, or two in a `u32`. */
export type ElementType = "f32" | "vec4" | "f16" | "bf16";

/** A storage array that a kernel reads numbers from. */
export interface StorageArray {
  /** Its name in WGSL. */
  readonly name: string;
  /** How elements lie in it: it is declared as an array of `f32`, `vec4<f32>` or `u32`. "f32" by default. */
  readonly type?: ElementType;
  /** Expression of the word at an index, where it is not `name[index]`: an array may be bound in several parts. */
  word?(index: string): string;
}

/** Elements in one word of an array. */
export const PER_WORD: Record<ElementType, number> = { f32: 1, vec4: 4, f16: 2, bf16: 2 };

/** Element `part` of a word, as f32. */
function unpacked(word: string, part: number, type: ElementType): string {
  if (type === "f32") return word;
  if (type === "vec4") return `${word}.${"xyzw"[part]}`;
  if (type === "f16") return `unpack2x16float(${word}).${"xy"[part]}`;
  return part === 0 ? `bitcast<f32>(${word} << 16u)` : `bitcast<f32>(${word} & 0xffff0000u)`;
}

/** WGSL expression of the word at `index`, a u32 expression. */
export function wordAt(array: StorageArray, index: string): string {
  return array.word?.(index) ?? `${array.name}[${index}]`;
}

/** WGSL expression (f32) of the element at `index`, a u32 expression. */
export function element(array: StorageArray, index: string): string {
  const { type = "f32" } = array;
  if (type === "f32") return wordAt(array, index);
  if (type === "vec4") return `${wordAt(array, `(${index}) / 4u`)}[(${index}) % 4u]`;
  return unpacked(`(${wordAt(array, `(${index}) / 2u`)} >> ((${index}) % 2u * 16u))`, 0, type);
}

/**
 * WGSL expression (vec4<f32>) of the element at `index` and the three after it, where `index` (u32 expression) is always
 * a multiple of four and the array holds several elements a word.
 */
export function quad(array: StorageArray, index: string): string {
  const { type = "f32" } = array;
  if (type === "vec4") return wordAt(array, `(${index}) / 4u`);
  const words = [0, 1].map((i) => wordAt(array, `(${index}) / 2u + ${i}u`));
  return `vec4<f32>(${words.flatMap((word) => [0, 1].map((part) => unpacked(word, part, type))).join(", ")})`;
}

/**
 * Statements that load several elements of an array, those in one word together where it is known which these are.
 *
 * @param array The array.
 * @param at Position (u32 expression) that the offsets count from.
 * @param elements For each element the name that it gets and its offset.
 * @param aligned Whether `at` is always a multiple of the elements in a word.
 * @param guard Condition without which an element is zero: one read outside the array is some other element or zero.
 */
export function loadElements(
  array: StorageArray,
  at: string,
  elements: readonly (readonly [name: string, offset: number])[],
  aligned: boolean,
  guard: (name: string) => string | undefined = () => undefined,
): string[] {
  const { type = "f32" } = array;
  const size = PER_WORD[type];
  const words = new Map<number, string>();
  return elements.flatMap(([name, offset]) => {
    const condition = guard(name);
    const bind = (value: string) => `let ${name} = ${condition ? `select(0.0, ${value}, ${condition})` : value};`;
    if (size === 1 || !aligned) return [bind(element(array, `${at} + ${offset}u`))];
    const at4 = Math.floor(offset / size);
    const known = words.get(at4);
    const word = known ?? `${name}w`;
    words.set(at4, word);
    const load = known ? [] : [`let ${word} = ${wordAt(array, `${at} / ${size}u + ${at4}u`)};`];
    return [...load, bind(unpacked(word, offset % size, type))];
  });
}
