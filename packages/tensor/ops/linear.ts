/** Affine map and Einstein summation. */
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/**
 * x W^T + b (torch.nn.functional.linear).
 *
 * @param x [..., in].
 * @param weight [out, in].
 * @param bias [out].
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  if (x.shape[x.ndim - 1] !== weight.shape[1]) {
    throw new RangeError(
      `Cannot apply linear to ${show(x.shape)}: the weight ${show(weight.shape)} expects ${weight.shape[1]} features`,
    );
  }
  const y = x.matmul(weight.transpose(0, 1));
  return bias ? y.add(bias) : y;
}

/**
 * Einstein summation of one or more tensors, e.g. `einsum("bhid,bhjd->bhij", q, k)`.
 *
 * @param equation Letters per axis of each input, then `->` and the output's letters; without an arrow, letters that
 * occur once, in alphabetical order. No ellipses.
 * @param tensors The inputs.
 */
export function einsum(equation: string, ...tensors: Tensor[]): Tensor {
  const [left, right] = equation.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (terms.length !== tensors.length) {
    throw new RangeError(
      `Cannot apply einsum "${equation}": it names ${terms.length} inputs, got ${tensors.length}`,
    );
  }
  const letters = [...terms.join("")];
  const out = right ??
    [...new Set(letters)].filter((c) => letters.filter((d) => d === c).length === 1).sort().join("");
  let labels = terms[0];
  let result = diagonal(tensors[0], labels, equation);
  labels = [...new Set(labels)].join("");
  for (let k = 1; k < tensors.length; k++) {
    const later = new Set(out + terms.slice(k + 1).join(""));
    const nextLabels = [...new Set(terms[k])].join("");
    [result, labels] = contract(
      result,
      labels,
      diagonal(tensors[k], terms[k], equation),
      nextLabels,
      later,
    );
  }
  const summed = [...labels].flatMap((c, i) => out.includes(c) ? [] : [i]);
  const kept = [...labels].filter((c) => out.includes(c));
  if (kept.length !== out.length) {
    throw new RangeError(
      `Cannot apply einsum "${equation}": an output letter is in no input`,
    );
  }
  return (summed.length ? result.sum(summed) : result).permute(
    [...out].map((c) => kept.indexOf(c)),
  );
}

/** Keeps the diagonal of repeated letters. */
function diagonal(x: Tensor, labels: string, equation: string): Tensor {
  if (labels.length !== x.ndim) {
    throw new RangeError(
      `Cannot apply einsum "${equation}": "${labels}" does not fit shape ${show(x.shape)}`,
    );
  }
  for (let i = 0; i < labels.length; i++) {
    const j = labels.indexOf(labels[i], i + 1);
    if (j < 0) continue;
    const n = x.shape[i];
    // Elements (k, k) lie n + 1 apart once the two axes are last
    const order = [...labels].map((_, a) => a).filter((a) => a !== i && a !== j);
    const flat = x.permute([...order, i, j]).reshape([
      ...order.map((a) => x.shape[a]),
      n * n,
    ]);
    const picked = flat.slice([...order.map(() => null), [0, n * n, n + 1]]);
    const rest = order.map((a) => labels[a]).join("") + labels[i];
    const back = [...rest].map((_, a) => a);
    return diagonal(picked.permute(back), rest, equation).permute(back);
  }
  return x;
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
