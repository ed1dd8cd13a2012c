import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "../testing/command.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const RATE = ["--rate", "30TFLOP/s"];

const networks = {
  sd15: { parameters: 859_520_964, component: "unet" },
  pixart: { parameters: 610_856_096, component: "transformer" },
};

for (const [name, { parameters }] of Object.entries(networks)) {
  Deno.test(`a dry run of examples/${name} plans the whole model without weights or memory`, async () => {
    const config = `${ROOT}examples/${name}/align.json`;
    const { code, last, said } = await run("train", config, "--dry-run", "--json", "--memory", "80GiB", ...RATE);
    assertEquals(code, 0, said);
    const plan = JSON.parse(last);
    const [generator, fake, teacher] = plan.networks;
    for (const network of [generator, fake, teacher]) assertEquals(network.parameters, parameters);
    // f32 masters, one moment and an average of the generator, one moment of the fake score; the teacher in bf16
    assert(Math.abs(generator.bytes / (4 * parameters) - 1) < 1e-3);
    assert(Math.abs(generator.optimizerBytes / (8 * parameters) - 1) < 1e-3);
    assert(Math.abs(fake.optimizerBytes / (4 * parameters) - 1) < 1e-3);
    assertEquals(teacher.bytes, 2 * parameters);
    assertEquals(plan.phases.map(({ name }: { name: string }) => name), [
      "fake score update",
      "generator update",
      "reward, forward and backward",
    ]);
    const [fakePhase, generatorPhase, rewardPhase] = plan.phases;
    const sum = fakePhase.flops + generatorPhase.flops;
    assert(Math.abs(plan.step.flops / sum - 1) < 0.01 && rewardPhase.flops < generatorPhase.flops);
    assert(plan.fits && plan.peakBytes < 40e9 && plan.peakBytes > plan.step.intermediateBytes);
    assertEquals(plan.stepSeconds, plan.meanFlops / 30e12);
  });

  Deno.test(`a dry run takes the architecture of ${name} from a directory that is there, and says what saves memory`, async () => {
    const sets = [
      `model=${ROOT}testdata/diffusers/${name}`,
      "precision=f32",
      "decoder.checkpoint=false",
      "batch_size=2",
    ];
    const { last, said, code } = await run(
      ...["train", `${ROOT}examples/${name}/distill.json`, "--dry-run", "--json", "--memory", "100KB", ...RATE],
      ...sets.flatMap((set) => ["--set", set]),
    );
    assertEquals(code, 0, said);
    const { networks, fits, savings, peakBytes } = JSON.parse(last);
    assert(networks[0].parameters < 1e6 && fits === false);
    const peaks = [peakBytes, ...savings.map((saving: { peakBytes: number }) => saving.peakBytes)];
    assert(peaks.every((peak, i) => i === 0 || peak < peaks[i - 1]));
    assert(savings.some(({ sets }: { sets: string[] }) => sets.includes("batch_size=1")));
  });
}

Deno.test("a dry run reads like a table, and of another device needs its memory", async () => {
  const lines: string[] = [];
  const { log } = console;
  console.log = (text: string) => void lines.push(text);
  const config = `${ROOT}examples/sd15/distill.json`;
  const { main } = await import("../cli.ts");
  const tiny = ["--set", `model=${ROOT}testdata/diffusers/sd15`];
  try {
    assertEquals(await main(["train", config, "--dry-run", "--memory", "1GiB", "--rate", "1 GFLOP/s", ...tiny]), 0);
  } finally {
    console.log = log;
  }
  const text = lines.join("\n");
  assertMatch(text, /teacher, frozen +52\.0 k/);
  assertMatch(
    text,
    /It fits into 1\.00 GiB \(--memory\): [\d.]+ MiB to spare|It fits into 1\.00 GiB \(--memory\): 1\d{3} MiB/,
  );
  assertMatch(text, /At 1\.00 GFLOP\/s \(--rate\) a step takes [\d.]+ (m?s)/);
});

for (
  const [what, args, expected] of [
    ["an amount that is none", ["--memory", "80"], "--memory is 80, expected an amount like 80GiB"],
    ["an unknown unit", ["--memory", "8Gb"], "--memory is 8Gb, expected an amount"],
    ["a rate without its time", ["--rate", "30TFLOP"], "--rate is 30TFLOP, expected a rate like 30TFLOP/s"],
    ["a model that nobody knows", ["--set", "architecture=null"], "and no architecture is named instead"],
    [
      "an unknown architecture",
      ["--set", "architecture=sd9"],
      'architecture is "sd9", expected "stable-diffusion-v1-5"',
    ],
    [
      "a size that is none of the model's",
      ["--set", 'size={"height":9,"width":8}'],
      "Image height is 9, expected a multiple",
    ],
  ] as const
) {
  Deno.test(`a dry run refuses ${what}`, async () => {
    const { code, said } = await run("train", `${ROOT}examples/sd15/distill.json`, "--dry-run", ...args);
    assertStringIncludes(said, expected);
    assertEquals(code, 2);
  });
}

Deno.test("what belongs to a dry run is refused without it", async () => {
  const { code, said } = await run("train", `${ROOT}examples/sd15/distill.json`, "--memory", "1GiB");
  assertStringIncludes(said, "--memory is for a dry run");
  assertEquals(code, 2);
});
