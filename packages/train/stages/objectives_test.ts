import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeObjective, OBJECTIVE_NAMES, type ObjectiveInput } from "@dipp/objectives";
import { CONFIGS, run } from "../testing/command.ts";

Deno.test("every objective trains a generator, by its name in the configuration", async (t) => {
  const directory = await Deno.makeTempDir();
  const file = (name: string) => `${directory}/${name}.safetensors`;
  const train = (stage: string, name: string, ...sets: string[]) =>
    run(
      ...["train", `${CONFIGS}${stage}.json`, "--json", "--out", `${directory}/${name}`],
      ...[`export=${file(name)}`, ...sets].flatMap((set) => ["--set", set]),
    );
  const lines = (name: string) =>
    Deno.readTextFileSync(`${directory}/${name}/metrics.jsonl`).trim().split("\n").map((line) => JSON.parse(line));
  try {
    for (const stage of ["teacher", "preference"]) {
      const { code, said } = await train(stage, stage, "steps=2");
      assertEquals(code, 0, said);
    }
    const align = (name: string, ...sets: string[]) =>
      train(
        "align",
        name,
        ...[`teacher=${file("teacher")}`, `reward=${file("preference")}`, "clip=null"],
        ...[
          "generator.checkpoint=null",
          "fake.checkpoint=null",
          "fake.updates=1",
          "steps=2",
          "evaluation.train_prompts=0",
        ],
        ...sets,
      );

    for (const name of OBJECTIVE_NAMES) {
      await t.step(name, async () => {
        const config = { name, ...(["refl", "draft1"].includes(name) ? {} : { guidance: { omega: 1.5 } }) };
        const rest = name === "sid_lsg" ? ["fake.null_probability=0.5"] : [];
        const { code, said } = await align(name, `objective=${JSON.stringify(config)}`, ...rest);
        assertEquals(code, 0, said);
        const [{ derived }, , last] = lines(name);
        const { needs } = makeObjective(config as ObjectiveInput);
        assertEquals([derived.objective, derived.k_ta], [name, needs.includes("fake") ? 1 : 0]);
        assertEquals("loss_fake" in last, needs.includes("fake"));
        assert(last.grad_norm > 0 && Number.isFinite(last.loss) && Number.isFinite(last.reward));
      });
    }

    await t.step("the generator moves in one step of N, the fake score in every one", async () => {
      const { code, said } = await align("every", "objective.name=dmd2", "generator.every=2", "steps=4");
      assertEquals(code, 0, said);
      assertEquals(lines("every").slice(1, 5).map((line) => ["lr" in line, "lr_fake" in line]), [
        [true, true],
        [false, true],
        [true, true],
        [false, true],
      ]);
    });

    await t.step("what does not go together is refused", async () => {
      const refused = async (expected: string, ...sets: string[]) => {
        const { code, said } = await align("refused", ...sets);
        assertEquals(code, 2, said);
        assertStringIncludes(said, expected);
      };
      await refused('objective.name is "kl", expected "sds", "vsd", "ikl", "dipp"', "objective.name=kl");
      await refused("objective.margin is not a known key", "objective.name=sid", "objective.margin=1");
      await refused(
        "the objective draft1 trains no fake score",
        'objective={"name":"draft1"}',
        `fake.export=${file("f")}`,
      );
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
