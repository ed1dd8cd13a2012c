import { assertEquals } from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";

Deno.test("parseArgs() reads long options in every form", () => {
  const args = parseArgs(
    [
      "train",
      "--steps",
      "20",
      "--out=runs/a",
      "--json",
      "cfg.json",
      "--lr=-1e-4",
    ],
    { string: ["out", "steps"], boolean: ["json"] },
  );
  const steps: string | undefined = args.steps;
  const json: boolean = args.json;
  assertEquals(steps, "20");
  assertEquals(json, true);
  assertEquals(args.out, "runs/a");
  assertEquals(args._, ["train", "cfg.json"]);
  assertEquals((args as Record<string, unknown>)["lr"], -1e-4);
});

Deno.test("parseArgs() leaves a flag's neighbour alone", () => {
  const args = parseArgs(["--json", "x", "--quiet", "false"], {
    boolean: ["json", "quiet", "verbose"],
  });
  assertEquals(args, { _: ["x"], json: true, quiet: false, verbose: false });
});

Deno.test("parseArgs() collects repeated options and takes the last other", () => {
  const args = parseArgs(
    ["--set", "a.b=1", "--set=c=d=e", "--seed", "1", "--seed", "2"],
    { string: ["set", "seed"], collect: ["set", "tag"] },
  );
  const set: string[] = args.set;
  assertEquals(set, ["a.b=1", "c=d=e"]);
  assertEquals(args.seed, "2");
  assertEquals(args.tag, []);
});

Deno.test("parseArgs() applies defaults, aliases and negation", () => {
  const args = parseArgs(["-h", "-o", "dir", "--no-bar"], {
    boolean: ["help", "bar"],
    string: ["out"],
    negatable: ["bar"],
    alias: { h: "help", o: ["out", "output"] },
    default: { seed: "0", out: "runs", bar: true },
  });
  assertEquals(args.help, true);
  assertEquals(args.bar, false);
  assertEquals(args.seed, "0");
  const out: string = args.out;
  assertEquals(out, "dir");
});

Deno.test("parseArgs() keeps what follows --, short groups, nested names", () => {
  assertEquals(parseArgs(["-abn5", "-x=y", "--", "--json", "3"]), {
    _: ["--json", "3"],
    a: true,
    b: true,
    n: 5,
    x: "y",
  });
  assertEquals(parseArgs(["--a.b=1", "7"]), { _: [7], a: { b: 1 } });
  assertEquals(parseArgs(["7"], { string: ["_"] })._, ["7"]);
});

Deno.test("parseArgs() reports undeclared options", () => {
  const seen: unknown[] = [];
  const args = parseArgs(["--stpes=3", "--steps=4", "pos"], {
    string: ["steps"],
    unknown: (arg, key, value) => {
      if (key === undefined) return true;
      seen.push([arg, key, value]);
      return false;
    },
  });
  assertEquals(seen, [["--stpes=3", "stpes", 3]]);
  assertEquals(args as unknown, { _: ["pos"], steps: "4" });
});
