import { address, type AttentionSpec, type Cut, each, type MatrixView, sumArray, zeroSums } from "./attention.ts";
import { broadcasts, type Kernel, laneCount, range, rolled, spread, surplus } from "./kernel.ts";

/** A matrix whose rows all invocations of a workgroup need, a block of them at a time. */
export interface SharedRows {
  /** Declarations of the module. */
  readonly declarations: string;
  /** Statements at the start of a block. */
  readonly enter: string;
  /** Statements that add to `sum`j_w the product of row j of the block and row `own`w of `other`. */
  dots(sum: string, other: MatrixView, own: string): string;
  /** Statements that make row `j` of the block ready for `value`; `j` is a WGSL expression. */
  row(j: string): string;
  /** Expression of feature `i` of the row made ready. */
  value(i: number): string;
}

/** What is shared: `length` features of the `limit` rows of an operand, in blocks that start at the WGSL value `first`. */
export interface Shared {
  /** Prefix of names in WGSL. */
  readonly name: string;
  /** The matrix. */
  readonly operand: MatrixView;
  /** Features. */
  readonly length: number;
  /** First row of the block. */
  readonly first: string;
  /** Rows of the matrix; where the block is longer, the last one is read again. */
  readonly limit: number;
}

/** Statements that add to `sum`j_w the product of `load(j)` and the own row w of `other`, for all features. */
function dots(
  { block, ...cut }: Cut,
  [sum, other, own, length]: [string, MatrixView, string, number],
  shared: { start: string; load: string; value: (j: number) => string; step: string },
): string {
  const updates = range(block).map((j) =>
    `let x${j} = ${shared.value(j)}; ${each({ block, ...cut }, (w) => `${sum}${j}_${w} += x${j} * y${w};`)}`
  );
  return `{
      ${each({ block, ...cut }, (w) => `var at${w} = ${address(other, own + w)};`)} ${shared.start}
      ${rolled("d", length)}
        ${each({ block, ...cut }, (w) => `let y${w} = ${other.name}[at${w}]; at${w} += ${other.colStride}u;`)}
        ${shared.load}
        ${updates.join("\n        ")}
        ${shared.step}
      }
    }`;
}

/**
 * Rows that all invocations need. On a software adapter each lane loads other elements and they hand them to each other
 * (or, without subgroup operations, each loads all); on a graphics processor they copy the block into workgroup memory.
 */
export function sharedRows(spec: AttentionSpec, cut: Cut, shared: Shared): SharedRows {
  return spec.target === "gpu" ? staged(spec, cut, shared) : handedOver(spec, cut, shared);
}

function staged(spec: AttentionSpec, cut: Cut, { name, operand, length, first, limit }: Shared): SharedRows {
  const size = cut.block * length;
  const element = address(operand, `min(${first} + t / ${length}u, ${limit - 1}u)`, `(t % ${length}u)`);
  return {
    declarations: `var<workgroup> ${name}Tile: array<f32, ${size}>;`,
    enter: `for (var t = lane; t < ${size}u; t += ${
      laneCount(spec)
    }u) { ${name}Tile[t] = ${operand.name}[${element}]; }`,
    dots: (sum, other, own) =>
      dots(cut, [sum, other, own, length], {
        start: "",
        load: "",
        value: (j) => `${name}Tile[${j * length}u + d]`,
        step: "",
      }),
    row: (j) => `let ${name}At = ${j} * ${length}u;`,
    value: (i) => `${name}Tile[${name}At + ${i}u]`,
  };
}

function handedOver(spec: AttentionSpec, cut: Cut, { name, operand, length, first, limit }: Shared): SharedRows {
  const across = broadcasts(cut.block, spec.subgroup, (j) => j);
  const along = broadcasts(length, spec.subgroup, (i) => i * operand.colStride);
  const lane = spec.subgroup ? "lane" : "0u";
  const row = ({ offset }: { offset: number }) => `min(${first} + ${offset}u${across.shift}, ${limit - 1}u)`;
  return {
    declarations: "",
    enter: "",
    dots: (sum, other, own) =>
      dots(cut, [sum, other, own, length], {
        start: across.loads.map((load) => `var from${load.id} = ${address(operand, row(load))};`).join(" "),
        load: across.loads.map(({ id }) => `let part${id} = ${operand.name}[from${id}];`).join(" "),
        value: (j) => across.value(j, (id) => `part${id}`),
        step: across.loads.map(({ id }) => `from${id} += ${operand.colStride}u;`).join(" "),
      }),
    row: (j) =>
      `let ${name}At = ${address(operand, `(${first} + ${j})`, lane)}; ` +
      along.loads.map(({ id, offset }) => `let ${name}${id} = ${operand.name}[${name}At + ${offset}u];`).join(" "),
    value: (i) => along.value(i, (id) => `${name}${id}`),
  };
}

/** What a workgroup does with the rows that its invocations have of their own. */
export interface Walk {
  /** Prefix of the WGSL names of an invocation's own rows. */
  readonly own: string;
  /** How many rows there are. */
  readonly length: number;
  /** What is read of the other side; all in blocks from the same row on. */
  readonly shared: readonly SharedRows[];
  /** First row of the other side (a WGSL expression that may read `begin`, the workgroup's first own row). */
  readonly from: string;
  /** End of the rows of the other side. */
  readonly to: string;
  /** Statements before the blocks. */
  readonly start: string;
  /** Statements for the block that starts at `first`. */
  readonly block: string;
  /** Matrices to write at last: sums `name`i_w, times `factor`w where there is one. */
  readonly results: readonly { operand: MatrixView; name: string; length: number; factor?: string }[];
  /** Further statements for own row w, if it exists. */
  readonly finish?: (w: number) => string;
}

/** The kernel in which each invocation walks along all rows of the other side for the rows of its own. */
export function walk(spec: AttentionSpec, cut: Cut, { own, length, shared, ...parts }: Walk): Kernel {
  const lanes = laneCount(spec);
  const tiles = Math.ceil(length / (lanes * cut.own));
  const total = tiles * spec.batch;
  const workgroups = spread(total);
  const gpu = spec.target === "gpu";
  const laneName = spec.subgroup && !gpu ? "subgroup_invocation_id" : "local_invocation_index";
  const barrier = gpu ? "workgroupBarrier();" : "";
  const store = (w: number) =>
    parts.results.map(({ operand, name, length, factor }) => {
      const value = `${name}[i * ${cut.own}u + ${w}u]${factor ? ` * ${factor}${w}` : ""}`;
      return `${rolled("i", length)} ${operand.name}[${address(operand, own + w, "i")}] = ${value}; }`;
    }).join(" ");
  return {
    workgroups,
    code: `${spec.declarations}
${shared.map((s) => s.declarations).join("\n")}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(${laneName}) lane: u32) {
  let id = group.x + group.y * ${workgroups[0]}u;
  ${surplus(total, workgroups)}
  let z = id / ${tiles}u;
  let begin = id % ${tiles}u * ${lanes * cut.own}u;
  ${each(cut, (w) => `let ${own}${w} = min(begin + ${w * lanes}u + lane, ${length - 1}u);`)}
  ${parts.start}
  ${parts.results.map((r) => zeroSums(cut, r.name, r.length)).join("\n  ")}
  for (var first = ${parts.from}; first < ${parts.to} + group.z; first += ${cut.block}u) {
    ${shared.map((s) => s.enter).join("\n    ")} ${barrier}
    ${parts.block}
    ${barrier}
  }
  ${parts.results.map((r) => sumArray(cut, r.name, r.name, r.length)).join("\n  ")}
  ${each(cut, (w) => `if (begin + ${w * lanes}u + lane < ${length}u) { ${parts.finish?.(w) ?? ""} ${store(w)} }`)}
}
`,
  };
}

/** Statements that run `body` for each row `at` of the block, the last block being as long as rows are left. */
export function eachShared(cut: Cut, limit: number, at: string, body: string): string {
  return `for (var ${at} = 0u; ${at} < min(${cut.block}u, ${limit}u - first) + group.z; ${at}++) {
      ${body}
    }`;
}

/** Statements that add row `rows` times `factor`w to the sums `sum`i_w. */
export function addRow(cut: Cut, rows: SharedRows, length: number, sum: string, factor: string): string {
  return range(length).map((i) =>
    `{ let x = ${rows.value(i)}; ${each(cut, (w) => `${sum}${i}_${w} += ${factor}${w} * x;`)} }`
  ).join("\n      ");
}
