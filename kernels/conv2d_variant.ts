/** Which form a convolution's kernel takes: the default, those worth measuring, and the key of what was measured. */
import type { ConvGeometry, ConvSpec, ConvVariant } from "./conv2d_spec.ts";
import type { StorageArray } from "./element.ts";
import { range } from "./kernel.ts";
import type { TiledVariant } from "./matmul_spec.ts";
import { defaultMatmulVariant, matmulVariants, sizeBucket } from "./matmul_variant.ts";

/** Multiplications up to which a convolution counts as small: compiling a large tile would take longer. */
const SMALL = 1 << 18;

/** The form that a convolution gets where none was measured. */
export function defaultConvVariant(spec: ConvSpec): ConvVariant {
  if (spec.pass !== "weightGrad" && isPointwise(spec.geometry)) return { kind: "matmul" };
  if (spec.target === "gpu") {
    return defaultMatmulVariant({ ...productSizes(spec), target: "gpu" }) as TiledVariant;
  }
  const narrow = spec.geometry.weight[3] === 1 && (spec.pass !== "weightGrad" || spec.subgroup !== undefined);
  const small = multiplications(spec) < SMALL;
  const lanes = spec.subgroup;
  const channels = small ? lanes ?? 4 : lanes ? 32 : 16;
  return { kind: "window", run: small ? 2 : narrow ? 4 : 8, channels };
}

/** Forms that are worth measuring for a convolution, the default first. */
export function convVariants(spec: ConvSpec): ConvVariant[] {
  const first = defaultConvVariant(spec);
  const found: ConvVariant[] = [first];
  if (first.kind === "matmul") {
    const { target, subgroup } = spec;
    const products = matmulVariants({ ...productSizes(spec), target, subgroup });
    found.push(...products.map((product) => ({ kind: "matmul" as const, product })));
  }
  if (spec.target === "gpu") {
    for (const [rows, columns] of [[4, 4], [8, 4], [4, 8], [8, 8]]) {
      for (const depth of [8, 16]) {
        const form = { kind: "tiled", rows, columns, depth } as const;
        found.push(form, { ...form, vec4: false });
      }
    }
    found.push({ kind: "window", run: 8, channels: 16 });
  } else {
    for (const run of [4, 8, 12]) {
      for (const channels of [8, 16, 32]) found.push({ kind: "window", run, channels });
    }
  }
  return [...new Map(found.map((variant) => [JSON.stringify(variant), variant])).values()];
}

/** What tells convolutions apart in tables of measurements. */
export type ConvKind = Pick<ConvSpec, "pass" | "geometry" | "arithmetic"> & {
  readonly operands: Record<"first" | "second", Pick<StorageArray, "type">>;
};

/** Names the kind and size of a convolution, for tables of measurements. */
export function convKey({ pass, geometry: g, operands: { first, second }, arithmetic }: ConvKind): string {
  const [one, other] = [first, second].map(({ type = "f32" }) => type === "vec4" ? "f32" : type);
  const exact = [g.weight.slice(2), g.stride, g.dilation].map((pair) => pair.join("x")).join(" ");
  const sizes = [g.groups, ...g.input, g.weight[0]].map(sizeBucket).join(" ");
  return `conv2d ${pass}${arithmetic === "f16" ? " in f16" : ""} ${one} ${other} ${exact} ${sizes}`;
}

/** Which of the arrays a graphics processor can read four elements at a time, if they are bound so. */
export function convLiesInFours(
  { pass, geometry: g }: Pick<ConvSpec, "pass" | "geometry">,
): readonly [boolean, boolean] {
  const places = g.output[2] * g.output[3];
  const [inputs, area] = [g.weight[1], g.weight[2] * g.weight[3]];
  if (pass === "weightGrad") return [false, places % 4 === 0];
  if (isPointwise(g)) return [places % 4 === 0, inputs % 4 === 0];
  return [false, pass === "forward" && inputs * area % 4 === 0];
}

/** Sizes of the product of matrices that a convolution amounts to, for each group (pointwise: each image and group). */
export function productSizes({ pass, geometry: g }: Pick<ConvSpec, "pass" | "geometry">): {
  batch: number;
  m: number;
  n: number;
  k: number;
} {
  const inputs = g.weight[1];
  const outputs = g.weight[0] / g.groups;
  const area = g.weight[2] * g.weight[3];
  const places = (shape: readonly number[]) => shape[0] * shape[2] * shape[3];
  if (pass === "weightGrad") return { batch: g.groups, m: outputs, n: inputs * area, k: places(g.output) };
  const [m, k] = pass === "forward" ? [outputs, inputs] : [inputs, outputs];
  if (isPointwise(g)) return { batch: g.input[0] * g.groups, m, n: g.output[2] * g.output[3], k };
  return { batch: g.groups, m, n: places(pass === "forward" ? g.output : g.input), k: k * area };
}

function multiplications(spec: ConvSpec): number {
  const { batch, m, n, k } = productSizes(spec);
  return batch * m * n * k;
}

/** Whether each output position depends on the input at that position alone. */
function isPointwise({ weight, stride, padding, input, output }: ConvGeometry): boolean {
  return [...weight.slice(2), ...stride].every((n) => n === 1) && padding.every((n) => n === 0) &&
    range(2).every((a) => input[2 + a] === output[2 + a]);
}
