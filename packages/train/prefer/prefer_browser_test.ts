import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { init, key } from "@dipp/tensor";
import { writeModel } from "../models/model_file.ts";
import { type NetworkConfig, textModel } from "../models/score_models.ts";
import { parsePreferences } from "../preferences/preference_line.ts";
import { BROWSER } from "../testing/browser.ts";
import { BrowserPage, textIn } from "../testing/browser_page.ts";
import { CONFIGS } from "../testing/command.ts";
import { Vocabulary } from "../vocabulary.ts";

const CLI = new URL("../cli.ts", import.meta.url).pathname;
const PROMPTS = ["red square", "green square", "large blue square", "square", "red", "black square"];

/** Writes a generator that has learned nothing, and prompts for it. */
async function writeGenerator(folder: string): Promise<void> {
  await init();
  const { model, parameterisation } = JSON.parse(await Deno.readTextFile(`${CONFIGS}teacher.json`));
  const vocabulary = Vocabulary.fromNames(PROMPTS);
  await writeModel(`${folder}/g.safetensors`, textModel(model as NetworkConfig, vocabulary).init(key(1)), {
    ...{ kind: "generator", model, parameterisation, sigma_init: 2.5, vocabulary: vocabulary.toJSON(), image_size: 8 },
    provenance: { command: "", seed: 0, steps: 0, hardware: "", date: "", data: "", results: {} },
  });
  await Deno.writeTextFile(`${folder}/prompts.txt`, PROMPTS.join("\n"));
}

/** Starts `dipp prefer` as a process of its own. */
async function startServer(folder: string, port: number) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-read", "--allow-write", "--allow-env", "--allow-ffi", "--allow-net=127.0.0.1", CLI, "prefer"],
      ...["--checkpoint", `${folder}/g.safetensors`, "--prompts", `${folder}/prompts.txt`],
      ...["--out", `${folder}/choices.jsonl`, "--port", `${port}`],
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const said = new Response(child.stderr).text();
  return { child, said, url: await textIn(child.stdout, /Choose at (http:\S+),/) };
}

Deno.test({
  name: "prefer in a browser: keys, mouse, tie, skip and undo; killed in the middle, nothing is lost" +
    (BROWSER ? "" : " (left out: this machine has no Chromium)"),
  ignore: BROWSER === undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    await writeGenerator(folder);
    let server = await startServer(folder, 0);
    const port = Number(new URL(server.url).port);
    const lines = async () => (await Deno.readTextFile(`${folder}/choices.jsonl`)).split("\n").slice(0, -1);
    try {
      await using page = await BrowserPage.open(server.url);
      await page.view(1200, 800);
      /** Waits for a pair to be shown whole. */
      const shows = async (pair: number) => {
        // Before the page is there, there are no images either
        const isWhole = `[...document.querySelectorAll(".pair img")].filter((image) => image.naturalWidth === 8 &&
          image.src.includes("/00000${pair}-")).length === 2`;
        await page.until(`${isWhole} && document.body.ariaBusy !== "true"`);
        assertEquals(await page.evaluate(`document.querySelector("h1").textContent`), PROMPTS[pair]);
        assertEquals((await lines()).length, pair);
        assertEquals(await page.evaluate(`document.querySelector("progress").value`), pair);
      };

      await shows(0);
      const names = (await page.accessible()).map(({ role, name }) => `${role} ${name}`);
      for (
        const expected of [
          "heading red square",
          "group red square",
          "button Left image of: red square",
          "button Right image of: red square",
          ...["Tie", "Skip"].map((name) => `button ${name}`),
          "progressbar Pairs judged",
        ]
      ) assert(names.includes(expected), `${expected} is not among ${names}`);
      assertEquals(await page.evaluate(`document.querySelector("#undo").disabled`), true);

      await page.press("ArrowLeft");
      await shows(1);
      // A key that is held down, and keys with others, say nothing
      await page.press("ArrowLeft", true);
      await page.press("x");
      await page.click("#right");
      await shows(2);
      await page.press("ArrowDown");
      await shows(3);
      await page.click("#skip");
      await shows(4);
      await page.press("u");
      await shows(3);
      await page.click("#undo");
      await shows(2);
      await page.press("ArrowRight");
      await shows(3);
      await page.press("s");
      await shows(4);

      // The server dies; what it had acknowledged is there, and half a line more
      const before = await lines();
      const image = await Deno.readFile(`${folder}/choices/000004-left.png`);
      server.child.kill("SIGKILL");
      await server.child.status;
      await page.press("ArrowLeft");
      await page.until(`!document.querySelector("#alarm").hidden`);
      assertMatch(
        `${await page.evaluate(`document.querySelector("#alarm").innerText`)}`,
        /does not answer.*Nothing .* lost/,
      );
      await Deno.writeTextFile(`${folder}/choices.jsonl`, '{"pair":4,"prom', { append: true });
      await Deno.remove(`${folder}/choices/000004-left.png`);
      server = await startServer(folder, port);
      await page.click("#again");
      await page.until(`document.querySelector("#alarm").hidden`);
      await shows(4);
      assertEquals([await lines(), await Deno.readFile(`${folder}/choices/000004-left.png`)], [before, image]);
      // Both a click and a reload find the session where it is
      await page.evaluate("globalThis.isOld = true; location.reload()");
      await page.until("globalThis.isOld === undefined");
      await shows(4);
      await page.press("1");
      await shows(5);
      await page.press("t");
      await page.until(`!document.querySelector("#done").hidden`);
      assertStringIncludes(`${await page.evaluate("document.body.innerText")}`, "All 6 pairs are judged\n");
      assertStringIncludes(`${await page.evaluate("document.body.innerText")}`, "4 chosen, 1 ties, 1 skipped");
      // At the end the focus is on Undo, so that Enter takes the last one back
      await page.press("Enter");
      await shows(5);
      await page.press("ArrowRight");
      await page.until(`!document.querySelector("#done").hidden`);

      assertEquals(
        parsePreferences(await Deno.readTextFile(`${folder}/choices.jsonl`), "choices.jsonl").map((line) =>
          `${line.prompt} ${line.isTie ? "tie" : /(left|right)\.png$/.exec(line.chosen)![1]}`
        ),
        ["red square left", "green square right", "large blue square right", "red left", "black square right"],
      );
      server.child.kill("SIGINT");
      assertEquals((await server.child.status).code, 0);
      const said = await server.said;
      assertStringIncludes(said, "Going on after 4 of 6 pairs");
      assertStringIncludes(said, "6 of 6 pairs are judged: 5 chosen, 0 ties, 1 skipped");
    } finally {
      try {
        server.child.kill("SIGKILL");
      } catch {
        // It has ended
      }
      await server.child.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "the page to choose on fits a phone and a desk, light and dark" +
    (BROWSER ? "" : " (left out: this machine has no Chromium)"),
  ignore: BROWSER === undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    await writeGenerator(folder);
    const server = await startServer(folder, 0);
    try {
      await using page = await BrowserPage.open(server.url);
      const colours = new Set<unknown>();
      for (const [width, height, isDark] of [[1200, 800, false], [390, 780, false], [390, 780, true]] as const) {
        await page.view(width, height, isDark);
        await page.until(`document.querySelector(".pair img").naturalWidth === 8`);
        const seen = await page.evaluate(`(() => {
          const boxes = [...document.querySelectorAll("button:not([hidden])")].filter((b) => b.offsetParent)
            .map((b) => b.getBoundingClientRect());
          return {
            inside: document.documentElement.scrollWidth <= innerWidth && boxes.every(({ left, right, top, bottom }) =>
              left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight),
            least: Math.min(...boxes.flatMap(({ width, height }) => [width, height])),
            sides: boxes.slice(0, 2).map(({ width }) => width),
            outside: performance.getEntriesByType("resource").map(({ name }) => name)
              .filter((name) => !name.startsWith(location.origin) && !name.startsWith("data:")),
            colour: getComputedStyle(document.body).backgroundColor,
          };
        })()`) as { inside: boolean; least: number; sides: number[]; outside: string[]; colour: string };
        assert(seen.inside, `something is outside at ${width} pixels`);
        assert(seen.least >= 24, "buttons are large enough for a finger");
        assertEquals(seen.sides[0], seen.sides[1]);
        assert(seen.sides[0] > width / 3, `${seen.sides}`);
        assertEquals(seen.outside, []);
        colours.add(seen.colour);
      }
      assertEquals(colours.size, 2);
    } finally {
      server.child.kill("SIGTERM");
      assertEquals((await server.child.status).code, 0);
      await Deno.remove(folder, { recursive: true });
    }
  },
});
