/** Choosing, pair after pair. */
import { writeAtomic } from "@dipp/nn";
import { ConfigError } from "../config/config_error.ts";
import { firstDifference } from "../config/load_config.ts";
import { sha256 } from "../evaluate/sha256.ts";
import { ChoiceJournal, type Verdict } from "./choice_journal.ts";
import { type GalleryOptions, PairGallery } from "./pair_gallery.ts";

/** What there is to see and to say. */
export interface SessionState {
  /** Number of the pair, from 0; that of pairs where all are judged. */
  readonly pair: number;
  /** Number of pairs. */
  readonly total: number;
  /** The prompt; null where all pairs are judged. */
  readonly prompt: string | null;
  /** Names of the image files, left and right; none where all pairs are judged. */
  readonly files: readonly string[];
  /** Names of those of the next pair. */
  readonly next: readonly string[];
  /** How often one was preferred, neither was, and the pair was skipped. */
  readonly counts: { readonly chosen: number; readonly ties: number; readonly skipped: number };
}

/** Where a session lies and what it shows. */
export interface SessionOptions extends Omit<GalleryOptions, "folder"> {
  /** The JSONL file; images and the session's record go to the folder of the same name without its ending. */
  readonly out: string;
}

/**
 * A session of choosing: a journal of choices, and a gallery to choose from. Every choice is on the disk before it
 * counts, so that a session that is opened again goes on where the last one ended, however it ended.
 */
export class PreferenceSession implements Disposable {
  /** Folder of the image files. */
  readonly folder: string;
  /** The JSONL file. */
  readonly out: string;
  /** Tells image files of this session from others of the same names. */
  readonly tag: string;
  readonly #journal: ChoiceJournal;
  readonly #gallery: PairGallery;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(out: string, folder: string, tag: string, journal: ChoiceJournal, gallery: PairGallery) {
    this.out = out;
    this.folder = folder;
    this.tag = tag;
    this.#journal = journal;
    this.#gallery = gallery;
  }

  /**
   * Opens a session, or begins one.
   *
   * @param options Where, and what it shows.
   * @returns The session.
   * @throws {ConfigError} If the files are of a session with another model, other prompts or another seed.
   */
  static async open({ out, ...options }: SessionOptions): Promise<PreferenceSession> {
    if (!out.endsWith(".jsonl")) throw new ConfigError(`--out is ${out}, expected an ending of .jsonl`);
    const folder = out.slice(0, -".jsonl".length);
    await Deno.mkdir(folder, { recursive: true });
    const { source: { facts }, seed, prompts } = options;
    const record = {
      drawn: { sha256: facts.sha256, variant: facts.variant, sampling: facts.sampling },
      seed,
      prompts: { count: prompts.length, sha256: sha256(prompts.join("\n")) },
    };
    await checkRecord(`${folder}/session.json`, out, record);
    const tag = sha256(JSON.stringify(record)).slice(0, 8);
    const journal = await ChoiceJournal.open(out);
    return new PreferenceSession(out, folder, tag, journal, new PairGallery({ ...options, folder }));
  }

  /** What there is to see; the images of it are drawn. */
  async state(): Promise<SessionState> {
    const pair = this.#journal.length, total = this.#gallery.length;
    const counts = {
      chosen: this.#journal.count("left", "right"),
      ties: this.#journal.count("tie"),
      skipped: this.#journal.count("skip"),
    };
    if (pair >= total) return { pair, total, prompt: null, files: [], next: [], counts };
    await this.#gallery.draw(pair);
    const next = pair + 1 < total ? this.#gallery.files(pair + 1) : [];
    return { pair, total, prompt: this.#gallery.prompt(pair), files: this.#gallery.files(pair), next, counts };
  }

  /**
   * Draws what will be shown some pairs from now, so that nobody waits for it.
   *
   * @param ahead How many pairs.
   */
  async prepare(ahead: number): Promise<void> {
    const last = Math.min(this.#journal.length + ahead, this.#gallery.length - 1);
    for (let pair = this.#journal.length; pair <= last; pair++) await this.#gallery.draw(pair);
  }

  /**
   * Takes a choice down.
   *
   * @param pair The pair that it is of.
   * @param verdict What was said.
   * @returns Whether it counts: not where the pair is not the one to be judged, for instance after a second click.
   */
  choose(pair: number, verdict: Verdict): Promise<boolean> {
    return this.#inTurn(async () => {
      if (pair !== this.#journal.length || pair >= this.#gallery.length) return false;
      const folder = this.folder.slice(this.folder.lastIndexOf("/") + 1);
      const [left, right] = this.#gallery.files(pair);
      const files = [`${folder}/${left}`, `${folder}/${right}`] as const;
      await this.#journal.append({ pair, prompt: this.#gallery.prompt(pair), files, verdict });
      return true;
    });
  }

  /**
   * Takes the last choice back.
   *
   * @param pair The pair that is to be judged now.
   * @returns Whether there was one to take back, and the pair was right.
   */
  undo(pair: number): Promise<boolean> {
    return this.#inTurn(async () => {
      if (pair !== this.#journal.length || pair === 0) return false;
      await this.#journal.undo();
      return true;
    });
  }

  /** Closes the journal. */
  [Symbol.dispose](): void {
    this.#journal[Symbol.dispose]();
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.catch(() => {}).then(action);
    this.#last = result;
    return result;
  }
}

async function checkRecord(path: string, out: string, record: unknown): Promise<void> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    if (await Deno.stat(out).then(({ size }) => size > 0, () => false)) {
      throw new ConfigError(`--out is ${out}, which holds something but has no ${path}, expected a new file`);
    }
    await writeAtomic(path, JSON.stringify(record, null, 2) + "\n");
    return;
  }
  const difference = firstDifference(JSON.parse(text), record);
  if (difference !== undefined) {
    throw new ConfigError(`--out ${out} holds choices of another session: ${difference}; expected a new file`);
  }
}
