/** Einstein summation. */
import { broadcastShapes, type Shape, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** An equation with one letter for every axis. */
interface Equation {
  /** Letters of each input. */
  readonly terms: readonly string[];
  /** Letters of the output. */
  readonly out: string;
  /** The inputs, axes of length one repeated up to their letter's length. */
  readonly tensors: readonly Tensor[];
}

/** Letters for the axes of an ellipsis, which nobody can type. */
const ELLIPSIS_LETTERS = 0xe000;

/**
 * Einstein summation of one or more tensors (torch.einsum), e.g. `einsum("bhid,bhjd->bhij", q, k)`. Operands are
 * multiplied from left to right; letters that nobody needs later are summed in the product that meets them last.
 *
 * @param equation A letter for each axis of each input, `...` for any number of leading axes that broadcast, then `->`
 * and the output's letters; without an arrow, the ellipsis and the letters that occur once, in alphabetical order. A
 * letter twice in one input takes the diagonal.
 * @param tensors The inputs.
 * @throws {RangeError} If the equation does not fit the inputs.
 *
 * @example A trace
 * ```ts
 * import { einsum, tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await einsum("ii", tensor([[1, 2], [3, 4]])).item(), 5);
 * ```
 */
export function einsum(equation: string, ...tensors: Tensor[]): Tensor {
  const { terms, out, tensors: operands } = parse(equation, tensors);
  let labels = [...new Set(terms[0])].join("");
  let result = diagonal(operands[0], terms[0]);
  for (let k = 1; k < operands.length; k++) {
    const later = new Set(out + terms.slice(k + 1).join(""));
    const next = [...new Set(terms[k])].join("");
    [result, labels] = contract(result, labels, diagonal(operands[k], terms[k]), next, later);
  }
  const summed = [...labels].flatMap((c, i) => out.includes(c) ? [] : [i]);
  const kept = [...labels].filter((c) => out.includes(c));
  return (summed.length ? result.sum(summed) : result).permute([...out].map((c) => kept.indexOf(c)));
}

function parse(equation: string, tensors: readonly Tensor[]): Equation {
  const fail = (why: string) => new RangeError(`Cannot apply einsum "${equation}": ${why}`);
  const [left, right, more] = equation.replaceAll(" ", "").split("->");
  const written = left.split(",");
  if (more !== undefined || !/^([a-zA-Z,]|\.\.\.)*$/.test(left + (right ?? ""))) {
    throw fail("expected letters, commas, ellipses and one arrow");
  }
  if (written.length !== tensors.length) throw fail(`it names ${written.length} inputs, got ${tensors.length}`);
  const extra = written.map((term, k) => {
    const named = term.replace("...", "").length;
    const count = tensors[k].ndim - named;
    if (term.includes("...") ? count < 0 || term.split("...").length > 2 : count !== 0) {
      throw fail(`"${term}" does not fit shape ${show(tensors[k].shape)}`);
    }
    return count;
  });
  const widest = Math.max(0, ...extra);
  const letters = (n: number) =>
    Array.from({ length: n }, (_, i) => String.fromCharCode(ELLIPSIS_LETTERS + widest - n + i)).join("");
  const terms = written.map((term, k) => term.replace("...", letters(extra[k])));
  const all = [...terms.join("")];
  const once = [...new Set(all)].filter((c) => /[a-zA-Z]/.test(c) && all.filter((d) => d === c).length === 1).sort();
  const out = right?.replace("...", letters(widest)) ?? letters(widest) + once.join("");
  const unknown = [...out].find((c) => !all.includes(c));
  if (unknown) throw fail(`the output's "${unknown}" is in no input`);
  if (new Set(out).size !== out.length) throw fail("a letter occurs twice in the output");

  const lengths = new Map<string, number>();
  terms.forEach((term, k) =>
    [...term].forEach((c, i) => {
      const [known, n] = [lengths.get(c) ?? 1, tensors[k].shape[i]];
      if (known !== 1 && n !== 1 && known !== n) throw fail(`"${c}" has lengths ${known} and ${n}`);
      lengths.set(c, known === 1 ? n : known);
    })
  );
  const shapes = terms.map((term): Shape => [...term].map((c) => lengths.get(c)!));
  return { terms, out, tensors: tensors.map((t, k) => t.expand(broadcastShapes(t.shape, shapes[k], "einsum"))) };
}

/** Keeps the diagonal of repeated letters; each letter's axis is then where the letter first stood. */
function diagonal(x: Tensor, labels: string): Tensor {
  let [picked, rest] = [x, labels];
  for (;;) {
    const i = [...rest].findIndex((c, at) => rest.indexOf(c, at + 1) > 0);
    if (i < 0) break;
    const j = rest.indexOf(rest[i], i + 1);
    const n = picked.shape[i];
    const others = [...rest].map((_, a) => a).filter((a) => a !== i && a !== j);
    // Elements (k, k) lie n + 1 apart once the two axes are last
    const flat = picked.permute([...others, i, j]).reshape([...others.map((a) => picked.shape[a]), n * n]);
    picked = flat.slice([...others.map(() => null), [0, n * n, n + 1]]);
    rest = others.map((a) => rest[a]).join("") + rest[i];
  }
  return picked.permute([...new Set(labels)].map((c) => rest.indexOf(c)));
}

/** Product of two labelled tensors, summed over letters that nobody needs later. */
function contract(
  a: Tensor,
  la: string,
  b: Tensor,
  lb: string,
  later: Set<string>,
): [Tensor, string] {
  const shared = [...la].filter((c) => lb.includes(c));
  const batch = shared.filter((c) => later.has(c));
  const summed = shared.filter((c) => !later.has(c));
  const rows = [...la].filter((c) => !shared.includes(c));
  const columns = [...lb].filter((c) => !shared.includes(c));
  const arrange = (t: Tensor, labels: string, groups: string[][]) =>
    t.permute(groups.flat().map((c) => labels.indexOf(c)))
      .reshape(
        groups.map((g) => g.reduce((n, c) => n * t.shape[labels.indexOf(c)], 1)),
      );
  const sizes = new Map([
    ...[...la].map((c, i) => [c, a.shape[i]] as const),
    ...[...lb].map((c, i) => [c, b.shape[i]] as const),
  ]);
  const product = arrange(a, la, [batch, rows, summed]).matmul(
    arrange(b, lb, [batch, summed, columns]),
  );
  const labels = [...batch, ...rows, ...columns];
  return [product.reshape(labels.map((c) => sizes.get(c)!)), labels.join("")];
}
