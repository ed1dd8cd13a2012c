import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readPromptSet } from "../evaluate/prompt_set.ts";
import { run } from "../testing/command.ts";
import { HubServer } from "../testing/hub_server.ts";
import { download, type DownloadOptions, FetchError } from "./download.ts";
import { FETCH_NAMES, fetchFiles } from "./registry.ts";

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919 + (i >> 8)) % 256);
const weights = { repo: "a/b", type: "model", path: "model.bin", to: "weights/a/b/model.bin" } as const;
const words = { repo: "a/words", type: "dataset", path: "sub/x.txt", to: "prompts/x.txt" } as const;

/** A hub with one large and one small file, an empty cache, and what is passed to `download`. */
async function withHub(
  test: (hub: HubServer, options: DownloadOptions, read: (to: string) => Promise<Uint8Array>) => Promise<void>,
): Promise<void> {
  const cache = await Deno.makeTempDir();
  try {
    await using hub = new HubServer([
      { name: "a/b/model.bin", bytes: bytes.slice(), isLarge: true },
      { name: "datasets/a/words/sub/x.txt", bytes: new TextEncoder().encode("red\nblue\n") },
    ]);
    await test(hub, { cache, endpoint: hub.endpoint, wait: 1 }, (to) => Deno.readFile(`${cache}/${to}`));
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("files come through redirects, are compared with their digests, and are not asked for again", () =>
  withHub(async (hub, options, read) => {
    const seen: number[] = [];
    hub.token = "hf_secret";
    const asked = { ...options, token: hub.token, progress: (_: unknown, done: number) => void seen.push(done) };
    const { path, ...rest } = await download(weights, asked);
    assertEquals(rest, { wasThere: false, size: bytes.length, received: bytes.length });
    assertEquals(await Deno.readFile(path), bytes);
    assertEquals(seen.at(-1), bytes.length);
    assert(seen.every((done, i) => i === 0 || done > seen[i - 1]));
    await download(words, asked);
    assertEquals(new TextDecoder().decode(await read(words.to)), "red\nblue\n");
    for (const { at, authorization } of hub.asked) {
      assertEquals(authorization, at === "hub" ? "Bearer hf_secret" : null, "the token stays with the hub");
    }
    assertEquals(names(`${options.cache}/weights/a/b`), ["model.bin", "model.bin.json"]);

    const before = hub.asked.length;
    assertEquals((await download(weights, asked)).wasThere, true);
    assertEquals(hub.asked.length, before);
  }));

Deno.test("what breaks off is gone on with by ranges, in the same call and in a later one", () =>
  withHub(async (hub, options, read) => {
    hub.breaks = [100_000, 50_000];
    hub.statuses = [];
    assertEquals((await download(weights, options)).received, bytes.length);
    assertEquals(await read(weights.to), bytes);
    assertEquals(hub.ranges.length, 3);
    assertEquals(hub.ranges[0], null);
    const [first, second] = hub.ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range!)![1]));
    assert(0 < first && first <= 100_000 && first < second && second <= first + 50_000, `${first}, ${second}`);

    await Deno.remove(`${options.cache}/${weights.to}`);
    hub.breaks = [200_000];
    const error = await assertRejects(() => download(weights, { ...options, retries: 0 }), FetchError);
    const [, kept] = /^a\/b\/model\.bin broke off after (\d+) of 300000 bytes, which are kept: /.exec(error.message)!;
    assertEquals(names(`${options.cache}/weights/a/b`), ["model.bin.json", "model.bin.part"]);
    const later = await download(weights, options);
    assertEquals(later.received, bytes.length - Number(kept));
    assertEquals(await read(weights.to), bytes);
  }));

Deno.test("bytes of another version, or of a server without ranges, are not gone on with", () =>
  withHub(async (hub, options, read) => {
    const begin = async () => {
      hub.breaks = [120_000];
      await assertRejects(() => download(weights, { ...options, retries: 0 }), FetchError, "which are kept");
    };
    await begin();
    hub.hasNoRanges = true;
    assertEquals((await download(weights, options)).received, bytes.length);
    assertEquals(await read(weights.to), bytes);

    hub.hasNoRanges = false;
    await Deno.remove(`${options.cache}/${weights.to}`);
    await begin();
    const part = `${options.cache}/${weights.to}.part`;
    const record = JSON.parse(await Deno.readTextFile(`${options.cache}/${weights.to}.json`));
    await Deno.writeTextFile(`${options.cache}/${weights.to}.json`, JSON.stringify({ ...record, etag: '"other"' }));
    await Deno.writeFile(part, new Uint8Array(7));
    assertEquals((await download(weights, options)).received, bytes.length);
    assertEquals(await read(weights.to), bytes);
  }));

Deno.test("what has another digest is thrown away, and what was damaged on disk is found and fetched again", () =>
  withHub(async (hub, options, read) => {
    hub.claimed = "0".repeat(64);
    await assertRejects(() => download(weights, options), FetchError, `expected ${hub.claimed}: what came is damaged`);
    assertEquals(names(`${options.cache}/weights/a/b`), ["model.bin.json"]);
    const pinned = { ...words, sha256: "1".repeat(64) };
    await assertRejects(() => download(pinned, options), FetchError, "has the SHA-256 ");

    hub.claimed = undefined;
    const { path } = await download(weights, options);
    const damaged = bytes.slice();
    damaged[1000] ^= 1;
    await Deno.writeFile(path, damaged);
    assertEquals((await download(weights, options)).wasThere, true, "not looked at unless asked");
    assertEquals((await download(weights, { ...options, verify: true })).wasThere, false);
    assertEquals(await read(weights.to), bytes);
    assertEquals((await download(weights, { ...options, verify: true })).wasThere, true);
  }));

Deno.test("refusals say why and what helps; those that pass are waited for", () =>
  withHub(async (hub, options) => {
    hub.statuses = [503, 429];
    assertEquals((await download(weights, options)).received, bytes.length);
    const asks = hub.asked.length;
    for (
      const [change, message] of [
        [{ path: "none.bin" }, "a/b/none.bin is not there: the repository has no such file"],
        [{ repo: "x/y" }, "x/y/model.bin is refused (404): there is no such repository or file"],
      ] as const
    ) await assertRejects(() => download({ ...weights, to: "weights/new", ...change }, options), FetchError, message);
    hub.token = "hf_secret";
    await assertRejects(
      () => download({ ...weights, to: "weights/new" }, options),
      FetchError,
      "a/b/model.bin is refused (401): the hub wants to know who asks, or has no such repository: expected a token",
    );
    assertEquals(hub.asked.length, asks + 3, "none of these is asked twice");
    hub.token = undefined;
    hub.statuses = [403];
    await assertRejects(
      () => download({ ...weights, to: "weights/new" }, options),
      FetchError,
      "is refused after 0 of 300000 bytes, which are kept (403): the token may not read it",
    );
    hub.statuses = [500, 500, 500];
    const given = { ...options, retries: 2 };
    await assertRejects(() => download({ ...weights, to: "weights/new" }, given), FetchError, "(500)");
    await hub[Symbol.asyncDispose]();
    await assertRejects(
      () => download({ ...weights, to: "weights/new" }, given),
      FetchError,
      "a/b/model.bin broke off",
    );
  }));

Deno.test("every name has files, each with a place of its own", () => {
  for (const name of FETCH_NAMES) {
    const files = fetchFiles([name]);
    assert(
      files.length > 0 && files.every(({ repo, to }) => /^[^/]+\/[^/]+$/.test(repo) && /^(weights|prompts)\//.test(to)),
    );
  }
  const all = fetchFiles(FETCH_NAMES);
  assertEquals(new Set(all.map(({ to }) => to)).size, all.length);
});

Deno.test("the command fetches prompts by name, which the evaluation then reads, and refuses others' bytes", async () => {
  const cache = await Deno.makeTempDir();
  const styles = ["anime", "concept-art", "paintings", "photo"];
  try {
    await using hub = new HubServer([
      {
        name: "datasets/nateraw/parti-prompts/PartiPrompts.tsv",
        bytes: new TextEncoder().encode("Prompt\tCategory\na cat\tAnimals\n"),
        isLarge: true,
      },
      ...styles.map((style) => ({
        name: `datasets/zhwang/HPDv2/benchmark/${style}.json`,
        bytes: new TextEncoder().encode('["a"]'),
      })),
    ]);
    const args = ["--cache", cache, "--endpoint", hub.endpoint];
    const { code, said, last } = await run("fetch", "prompts:partiprompts", "--json", ...args);
    assertEquals(code, 0, said);
    assertEquals(JSON.parse(last).received, 30);
    assertEquals((await readPromptSet("partiprompts", `${cache}/prompts`)).prompts, ["a cat"]);
    const again = await run("fetch", "prompts:partiprompts", ...args);
    assertStringIncludes(again.said, "PartiPrompts.tsv is there");

    const refused = await run("fetch", "prompts:hpsv2", ...args);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.said, "zhwang/HPDv2/benchmark/anime.json has the SHA-256");
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});
