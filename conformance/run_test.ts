// The runner on doctored copies of one case.

import { parseSafetensors, type SafetensorsInput, serialiseSafetensors } from "@dipp/nn";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { main } from "./cli.ts";
import type { Report } from "./report.ts";

const TESTDATA = new URL("../testdata/", import.meta.url).pathname;
const CASE = "metrics/fid_small";
const KINDS = ["inputs", "outputs"] as const;

/** A directory with a copy of the case. */
class Copy implements AsyncDisposable {
  readonly root: string = Deno.makeTempDirSync();

  constructor(path: string = CASE, source: string = CASE) {
    const to = `${this.root}/${path}`;
    Deno.mkdirSync(to, { recursive: true });
    for (const { name } of Deno.readDirSync(TESTDATA + source)) {
      Deno.copyFileSync(`${TESTDATA}${source}/${name}`, `${to}/${name}`);
    }
  }

  file(name: string): string {
    return `${this.root}/${CASE}/${name}`;
  }

  /** Rewrites the description. */
  describe(change: (info: Record<string, unknown>) => void): void {
    const info = JSON.parse(Deno.readTextFileSync(this.file("case.json")));
    change(info);
    Deno.writeTextFileSync(this.file("case.json"), JSON.stringify(info));
  }

  /** Rewrites tensors. */
  tensors(kind: typeof KINDS[number], change: (values: Map<string, Float32Array>) => void): void {
    const { tensors } = parseSafetensors(Deno.readFileSync(this.file(`${kind}.safetensors`)));
    const values = new Map([...tensors].map(([name, entry]) => [name, entry.toFloat32().slice()]));
    change(values);
    const changed = [...values].map(([name, data]) =>
      [name, { dtype: "F32", shape: [...tensors.get(name)!.shape], data }] as const
    );
    Deno.writeFileSync(this.file(`${kind}.safetensors`), serialiseSafetensors(new Map(changed)));
  }

  async run(...options: string[]): Promise<{ status: number; lines: string[] }> {
    const lines: string[] = [];
    const status = await main([this.root, ...options], (line) => lines.push(line));
    return { status, lines };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.root, { recursive: true });
  }
}

Deno.test("a case that agrees passes, quietly", async () => {
  await using copy = new Copy();
  const { status, lines } = await copy.run();
  assertEquals([status, ...lines], [0, "metrics  1 passed, 0 failed, 0 skipped", "1 passed, 0 failed, 0 skipped"]);
});

Deno.test("a perturbed output fails, and the report says where and by how much", async () => {
  await using copy = new Copy();
  let stored = 0;
  copy.tensors("outputs", (values) => {
    values.get("mean_real")![5] += 10;
    stored = values.get("mean_real")![5];
    values.get("fid")![0] *= 1.001;
  });
  const { status, lines } = await copy.run("--json");
  assertEquals(status, 1);
  assertMatch(
    lines[0],
    /^failed metrics\/fid_small: mean_real: error .* at \[5\], bound 0.0002: got .*, expected .*; 1 more of its 6/,
  );
  assertEquals(lines.at(-2), "0 passed, 1 failed, 0 skipped");
  const report = JSON.parse(lines.at(-1)!) as Report;
  assertEquals([report.passed, report.failed, report.skipped], [0, 1, 0]);
  assertEquals(report.areas, { metrics: { passed: 0, failed: 1, skipped: 0 } });
  const [{ case: path, area, status: verdict, tensors }] = report.cases;
  assertEquals([path, area, verdict], [CASE, "metrics", "failed"]);
  assertEquals(tensors.filter((one) => !one.passed).map((one) => one.tensor).sort(), ["fid", "mean_real"]);
  const mean = tensors.find((one) => one.tensor === "mean_real")!;
  assertEquals([mean.index, mean.expected, mean.bound], [[5], stored, 0.0002]);
  assert(Math.abs(mean.got! - (stored - 10)) < 1e-4);
  assert(mean.error! > 0.5 && mean.error! < Infinity);
});

Deno.test("a NaN never agrees, and JSON says so", async () => {
  await using copy = new Copy();
  copy.tensors("outputs", (values) => values.get("fid")![0] = NaN);
  const { status, lines } = await copy.run("--json");
  assertEquals(status, 1);
  const [{ tensors }] = (JSON.parse(lines.at(-1)!) as { cases: { tensors: Record<string, unknown>[] }[] }).cases;
  assertEquals(tensors.find((one) => one.tensor === "fid")!.error, "Infinity");
});

const BROKEN: Record<string, [(copy: Copy) => void, RegExp]> = {
  "a truncated file": [
    (copy) => Deno.truncateSync(copy.file("inputs.safetensors"), 1000),
    /inputs.safetensors.*truncated/,
  ],
  "an empty file": [(copy) => Deno.truncateSync(copy.file("outputs.safetensors"), 0), /0 bytes are too few/],
  "a missing file": [(copy) => Deno.removeSync(copy.file("inputs.safetensors")), /inputs.safetensors/],
  "a description that is no JSON": [
    (copy) => Deno.truncateSync(copy.file("case.json"), 100),
    /case.json is not valid JSON/,
  ],
  "a missing output": [
    (copy) => copy.tensors("outputs", (values) => values.delete("fid")),
    /the outputs have no tensor "fid", which the description lists/,
  ],
  "a missing input, undescribed": [
    (copy) => {
      copy.describe((info) => delete info.tensors);
      copy.tensors("inputs", (values) => values.delete("features_fake"));
    },
    /the inputs have no tensor "features_fake", only features_real/,
  ],
  "an input of another shape": [
    (copy) =>
      copy.describe((info) => {
        (info.tensors as Record<string, Record<string, unknown>>).inputs.features_real = { shape: [1], dtype: "F32" };
      }),
    /"features_real" of the inputs is F32 \[60,8\], described as F32 \[1\]/,
  ],
  "no bound": [
    (copy) => copy.describe((info) => info.tolerance = { rel: {} }),
    /gives no bound.*more of its 6 tensors/,
  ],
  "no kind": [(copy) => copy.describe((info) => delete info.kind), /the description has no "kind"/],
  "no outputs": [
    (copy) => {
      copy.describe((info) => delete info.tensors);
      copy.tensors("outputs", (values) => values.clear());
    },
    /stores no outputs/,
  ],
};

for (const [what, [breakIt, message]] of Object.entries(BROKEN)) {
  Deno.test(`${what} is a failure of its case and not of the run`, async () => {
    await using copy = new Copy();
    breakIt(copy);
    const { status, lines } = await copy.run();
    assertEquals([status, lines.at(-1)], [1, "0 passed, 1 failed, 0 skipped"]);
    assertMatch(lines[0], message);
  });
}

Deno.test("a stored output that an area does not compute is a failure", async () => {
  await using copy = new Copy();
  const path = copy.file("outputs.safetensors");
  const { tensors } = parseSafetensors(Deno.readFileSync(path));
  const extra = { dtype: "F32", shape: [1], data: new Float32Array(1) } as const;
  Deno.writeFileSync(path, serialiseSafetensors(new Map<string, SafetensorsInput>(tensors).set("median", extra)));
  const { status, lines } = await copy.run();
  assertEquals(status, 1);
  assertMatch(lines[0], /median: nothing here computes it/);
});

Deno.test("unknown areas and kinds are skipped by name", async () => {
  await using copy = new Copy("alchemy/gold");
  const { status, lines } = await copy.run();
  assertEquals(status, 0);
  assertEquals(lines[0], `skipped alchemy/gold: nothing here computes the area "alchemy"`);
  assertEquals(lines.at(-1), "0 passed, 0 failed, 1 skipped");

  await using other = new Copy();
  other.describe((info) => info.kind = "alchemy");
  const { lines: said } = await other.run();
  assertEquals(said[0], `skipped ${CASE}: nothing here computes the kind "alchemy"`);
});

Deno.test("an index that lists what is not there is a failure", async () => {
  await using copy = new Copy();
  Deno.writeTextFileSync(
    `${copy.root}/index.json`,
    JSON.stringify({ cases: [{ path: CASE }, { path: "metrics/gone" }] }),
  );
  const { status, lines } = await copy.run();
  assertEquals([status, lines.at(-1)], [1, "1 passed, 1 failed, 0 skipped"]);
  assertMatch(lines[0], /^failed metrics\/gone: .*case.json/);
});

Deno.test("cases of a manifest are told apart by op, and share files", async () => {
  await using copy = new Copy();
  const ops = `${copy.root}/ops`;
  Deno.mkdirSync(ops);
  const manifest = JSON.parse(Deno.readTextFileSync(`${TESTDATA}ops/manifest.json`)) as {
    cases: { id: string; op: string; file: string; outputs: { key: string }[] }[];
  };
  const [add, second] = manifest.cases.filter((one) => one.op === "add");
  const cases = [
    add,
    { ...add, id: "transmute/lead", op: "transmute" },
    { ...second, outputs: [{ key: "nowhere" }] },
    { ...add, id: "add/elsewhere", file: "elsewhere.safetensors" },
    { id: "add/empty" },
  ];
  Deno.writeTextFileSync(`${ops}/manifest.json`, JSON.stringify({ cases }));
  Deno.copyFileSync(`${TESTDATA}ops/${add.file}`, `${ops}/${add.file}`);
  const { status, lines } = await copy.run("--area", "ops");
  assertEquals([status, lines.at(-1)], [1, "1 passed, 3 failed, 1 skipped"]);
  const said = lines.join("\n");
  assertMatch(said, /skipped ops\/transmute\/lead: there is no op "transmute"/);
  assertMatch(said, /failed ops\/add\/.*has no tensor "nowhere"/);
  assertMatch(said, /failed ops\/add\/elsewhere: .*elsewhere.safetensors/);
  assertMatch(said, /failed ops\/add\/empty: its entry in the manifest has no "file"/);

  Deno.truncateSync(`${ops}/manifest.json`, 20);
  const broken = await copy.run("--area", "ops");
  assertMatch(broken.lines[0], /failed ops\/manifest.json: .* is not valid JSON/);
});

Deno.test("--area and --case select", async () => {
  const run = async (...options: string[]) => {
    const lines: string[] = [];
    const status = await main([TESTDATA, "--json", ...options], (line) => lines.push(line));
    return [status, (JSON.parse(lines.at(-1)!) as Report).cases.map((one) => one.case)];
  };
  assertEquals(await run("--area", "metrics", "--case", "rank_deficient"), [
    0,
    ["metrics/fid_rank_deficient_both", "metrics/fid_rank_deficient_one"],
  ]);
  assertEquals(await run("--case", "lr_cosine"), [0, ["optim/lr_cosine", "optim/lr_cosine_restarts"]]);
});

Deno.test("what cannot be run exits with 1", async () => {
  const empty = await Deno.makeTempDir();
  const silent = () => {};
  for (
    const args of [[], [empty], [`${empty}/none`], [TESTDATA, "--case", "nowhere"], [TESTDATA, "--tolerance", "1"]]
  ) {
    assertEquals(await main(args, silent), 1, args.join(" "));
  }
  assertEquals(await main(["--help"], silent), 0);
  await Deno.remove(empty);
});
