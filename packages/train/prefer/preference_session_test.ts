import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError } from "../config/config_error.ts";
import { readImage } from "../images.ts";
import { parsePreferences } from "../preferences/preference_line.ts";
import { madeUpSource } from "../testing/made_up_source.ts";
import { servePreferences } from "./preference_server.ts";
import { PreferenceSession, type SessionOptions } from "./preference_session.ts";

const PROMPTS = ["red apple", "pear", `"quoted" <plum> \u2028 ü`];

async function withFolder(
  body: (open: (more?: Partial<SessionOptions>) => Promise<PreferenceSession>, out: string) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  const out = `${folder}/choices.jsonl`;
  const common = { out, source: madeUpSource("a"), prompts: PROMPTS, pairsPerPrompt: 2, seed: 3 };
  try {
    await body((more = {}) => PreferenceSession.open({ ...common, ...more }), out);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a session asks for every prompt once, then again with other images, and writes what training reads", () =>
  withFolder(async (open, out) => {
    const drawn: string[] = [];
    using session = await open({ source: madeUpSource("a", drawn) });
    const seen: string[] = [];
    const verdicts = ["left", "right", "tie", "skip", "right", "left"] as const;
    for (const [pair, verdict] of verdicts.entries()) {
      const { prompt, files } = await session.state();
      const [left, right] = await Promise.all(files.map((name) => readImage(`${session.folder}/${name}`)));
      assert(left.rgb.toString() !== right.rgb.toString());
      seen.push(prompt!);
      assert(await session.choose(pair, verdict));
      assert(!await session.choose(pair, verdict), "a second click changes nothing");
    }
    assertEquals(seen, [...PROMPTS, ...PROMPTS]);
    assertEquals(
      drawn.toSorted(),
      PROMPTS.flatMap((prompt) => [0, 1, 2, 3].map((copy) => `${prompt} ${copy}`)).toSorted(),
    );
    const { prompt, counts, pair, total } = await session.state();
    assertEquals([prompt, pair, total, counts], [null, 6, 6, { chosen: 4, ties: 1, skipped: 1 }]);
    assertEquals(
      parsePreferences(await Deno.readTextFile(out), out).map((
        { prompt, chosen, rejected, isTie },
      ) => [prompt, chosen, rejected, isTie]),
      [
        [PROMPTS[0], "choices/000000-left.png", "choices/000000-right.png", false],
        [PROMPTS[1], "choices/000001-right.png", "choices/000001-left.png", false],
        [PROMPTS[2], "choices/000002-left.png", "choices/000002-right.png", true],
        [PROMPTS[1], "choices/000004-right.png", "choices/000004-left.png", false],
        [PROMPTS[2], "choices/000005-left.png", "choices/000005-right.png", false],
      ],
    );
  }));

Deno.test("undo takes choices back on the disk, and a reopened session goes on after the last whole line", () =>
  withFolder(async (open, out) => {
    const text = () => Deno.readTextFile(out);
    {
      using session = await open();
      for (const [pair, verdict] of (["right", "tie", "skip"] as const).entries()) await session.choose(pair, verdict);
      assert(!await session.undo(2) && await session.undo(3));
      assertEquals((await session.state()).counts, { chosen: 1, ties: 1, skipped: 0 });
      assertEquals((await text()).split("\n").length, 3);
      await assertRejects(() => open(), ConfigError, "is being written by another process");
    }
    const whole = await text();
    // What a crash in the middle of a write leaves, in the middle of a character
    await Deno.writeFile(out, new TextEncoder().encode('{"pair":2,"prompt":"ü').slice(0, -1), { append: true });
    const drawn: string[] = [];
    using session = await open({ source: madeUpSource("a", drawn), pairsPerPrompt: 3 });
    assertEquals(await text(), whole);
    const { pair, total, counts } = await session.state();
    assertEquals([pair, total, counts], [2, 9, { chosen: 1, ties: 1, skipped: 0 }]);
    await session.choose(2, "left");
    assertStringIncludes(await text(), `${whole}{"pair":2,`);
    for (const pair of [3, 2, 1]) assert(await session.undo(pair));
    assertEquals([await session.undo(0), await text()], [false, ""]);
  }));

Deno.test("a session of something else is not gone on with, and nothing is written over", () =>
  withFolder(async (open, out) => {
    (await open())[Symbol.dispose]();
    for (
      const [more, expected] of [
        [{ source: madeUpSource("b") }, 'drawn.sha256 was "a" and is "b"'],
        [{ seed: 4 }, "seed was 3 and is 4"],
        [{ prompts: ["pear"] }, "prompts.count was 3 and is 1"],
        [{ out: `${out}.txt` }, "expected an ending of .jsonl"],
      ] as const
    ) await assertRejects(() => open(more), ConfigError, expected);
    await Deno.writeTextFile(out, '{"prompt": "mine"}\n');
    await assertRejects(() => open(), ConfigError, 'line 1 is {"prompt": "mine"}, expected the choice of pair 0');
    await Deno.remove(out.replace(".jsonl", ""), { recursive: true });
    await assertRejects(() => open(), ConfigError, "which holds something but has no");
    assertEquals(await Deno.readTextFile(out), '{"prompt": "mine"}\n');
  }));

Deno.test("the server counts a choice once, and answers nobody but its own page", () =>
  withFolder(async (open, out) => {
    using session = await open();
    const notes: string[] = [];
    const server = servePreferences(session, { port: 0, ahead: 1, note: (text) => notes.push(text) });
    const ask = async (path: string, init: RequestInit = {}) => {
      const answer = await fetch(server.url + path, init);
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    };
    const post = (body: unknown, headers: Record<string, string> = { "content-type": "application/json" }) => ({
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    try {
      assert(server.url.startsWith("http://127.0.0.1:"));
      const { text: html, headers } = await ask("");
      const policy = headers.get("content-security-policy")!;
      assertStringIncludes(policy, "default-src 'none'");
      assertStringIncludes(html, `<script nonce="${/script-src 'nonce-([^']+)'/.exec(policy)![1]}">`);
      assert(!/https?:\/\//.test(html), "the page needs nothing from elsewhere");
      const { images, upcoming } = JSON.parse((await ask("state")).text);
      assertEquals((await ask(images[0])).headers.get("content-type"), "image/png");
      assert(/^images\/000001-left\.png\?[0-9a-f]{8}$/.test(upcoming[0]));

      // Two at once: one counts
      const twice = await Promise.all([0, 1].map(() => ask("choice", post({ pair: 0, verdict: "right" }))));
      assertEquals(twice.map(({ status }) => status).sort(), [200, 409]);
      assertEquals(twice.map(({ text }) => JSON.parse(text).pair), [1, 1]);
      const back = await Promise.all([0, 1].map(() => ask("undo", post({ pair: 1 }))));
      assertEquals(back.map(({ status }) => status).sort(), [200, 409]);
      assertEquals(await Deno.readTextFile(out), "");

      const body = { pair: 0, verdict: "left" };
      for (
        const [expected, path, init] of [
          [403, "choice", post(body, { "content-type": "text/plain" })],
          [403, "choice", post(body, { "content-type": "application/json", origin: "http://elsewhere.example" })],
          [400, "choice", post({ pair: 0, verdict: "both" })],
          [400, "choice", post({ verdict: "left" })],
          [400, "undo", { ...post(0), body: "{" }],
          [404, "choice", {}],
          [404, "images/../session.json", {}],
          [404, "images/000099-left.png", {}],
        ] as const
      ) assertEquals((await ask(path, init)).status, expected, `${path} ${JSON.stringify(init)}`);
      // A name of somebody else's that points to this machine
      const raw = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(server.url).port) });
      await raw.write(
        new TextEncoder().encode("GET /state HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n"),
      );
      assertStringIncludes(await new Response(raw.readable).text(), "403 Forbidden");
      assertEquals([await Deno.readTextFile(out), notes], ["", []]);
    } finally {
      await server.close();
    }
  }));
