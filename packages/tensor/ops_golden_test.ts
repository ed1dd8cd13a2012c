// Every op against the reference cases in testdata/ops: values, and gradients
// with respect to what is stored, through the views.

import { assert, assertEquals } from "@std/assert";
import { applyView, type GoldenOpCase, load, readCases, readFile, type Stored } from "./golden/cases.ts";
import { ELEMENTWISE } from "./golden/elementwise.ts";
import { NETWORKS } from "./golden/networks.ts";
import { STRUCTURAL } from "./golden/structural.ts";
import { realize, type Tensor, vjp } from "./mod.ts";
import { relativeError } from "./testing.ts";
import { guardDevice } from "./testing_device.ts";

guardDevice();

const OPS = { ...ELEMENTWISE, ...STRUCTURAL, ...NETWORKS };

/** One tensor to compare. */
interface Comparison {
  readonly what: string;
  readonly actual: Tensor;
  readonly expected: Stored;
  readonly tolerance: number;
}

/** Builds the graph of a case; undefined where the op does not exist. */
function build(
  one: GoldenOpCase,
  stored: Map<string, Stored>,
): Comparison[] | undefined {
  const leaves: Record<string, Tensor> = {};
  const operands: Record<string, Tensor> = {};
  for (const [name, { key, view }] of Object.entries(one.inputs)) {
    leaves[name] = load(stored.get(key)!);
    operands[name] = applyView(leaves[name], view);
  }
  const result = OPS[one.op]?.(operands, one.attrs);
  if (result === undefined) return undefined;
  const outputs = Array.isArray(result) ? result : [result];
  const comparisons = one.outputs.map(({ key }, k) => ({
    what: `output ${k}`,
    actual: outputs[k],
    expected: stored.get(key)!,
    tolerance: one.tolerance.rel,
  }));
  const names = Object.keys(one.grads);
  if (names.length === 0) return comparisons;
  const seeded = outputs.flatMap((output, k) => {
    const key = one.cotangents?.[k];
    return key ? [{ output, cotangent: load(stored.get(key)!) }] : [];
  });
  const gradients = vjp(
    seeded.map(({ output }) => output),
    seeded.map(({ cotangent }) => cotangent),
    names.map((name) => leaves[name]),
  );
  return comparisons.concat(names.map((name, i) => ({
    what: `gradient of ${name}`,
    actual: gradients[i],
    expected: stored.get(one.grads[name])!,
    tolerance: one.tolerance.rel_grad!,
  })));
}

async function complaint(c: Comparison): Promise<string | undefined> {
  if (`${c.actual.shape}` !== `${c.expected.shape}`) {
    return `${c.what} has shape [${c.actual.shape}], expected [${c.expected.shape}]`;
  }
  const { data } = c.expected;
  const actual = await c.actual.data();
  if (actual.constructor !== data.constructor) {
    return `${c.what} has dtype ${c.actual.dtype}, expected a ${data.constructor.name}`;
  }
  const { max, index } = relativeError(actual, data);
  if (max <= c.tolerance) return;
  return `${c.what} is off by ${max.toExponential(2)}, more than ` +
    `${c.tolerance}, at ${index}: ${actual[index]}, expected ${data[index]}`;
}

/** What is wrong with the cases, and which of them do not exist here. */
async function run(
  cases: readonly GoldenOpCase[],
  stored: Map<string, Stored>,
): Promise<{ wrong: string[]; absent: GoldenOpCase[] }> {
  const wrong: string[] = [];
  const absent: GoldenOpCase[] = [];
  const built: { id: string; comparisons: Comparison[] }[] = [];
  for (const one of cases) {
    try {
      const comparisons = build(one, stored);
      if (comparisons) built.push({ id: one.id, comparisons });
      else absent.push(one);
    } catch (error) {
      wrong.push(`${one.id}: ${error}`);
    }
  }
  // All in one submit and, as far as possible, one wait
  await realize(...built.flatMap((b) => b.comparisons.map((c) => c.actual)));
  await Promise.all(built.map(async ({ id, comparisons }) => {
    for (const text of await Promise.all(comparisons.map(complaint))) {
      if (text) wrong.push(`${id}: ${text}`);
    }
  }));
  return { wrong, absent };
}

const GROUPS = Map.groupBy(readCases(), (one) => one.file);

for (const [file, cases] of GROUPS) {
  const group = cases[0].group;
  Deno.test(`${group} ops and their gradients agree with the reference`, async (t) => {
    const stored = readFile(file);
    const byOp = Map.groupBy(cases, (one) => one.op);
    for (const [op, some] of byOp) {
      await t.step(`${op} (${some.length})`, async () => {
        const result = await run(some, stored);
        assertEquals(result.absent.map((one) => one.id), []);
        assert(result.wrong.length === 0, `\n${result.wrong.join("\n")}`);
      });
    }
  });
}
