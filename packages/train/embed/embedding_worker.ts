/** Reads rows off the main thread, which waits for the device while it steps. */
import { type EmbeddingFacts, EmbeddingFile, type EmbeddingRows } from "./embedding_file.ts";

/** What the worker is asked: to open a file, or for rows of it; -1 is what stands for no prompt. */
export interface ReadRequest {
  /** Told back with the answer. */
  readonly id: number;
  /** The file, in the first request. */
  readonly path?: string;
  /** Which rows. */
  readonly rows: readonly number[];
}

/** What it answers. */
export type ReadAnswer =
  & { readonly id: number }
  & (
    | { readonly rows: EmbeddingRows; readonly facts: EmbeddingFacts }
    | { readonly error: { readonly name: string; readonly message: string } }
  );

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<ReadRequest>) => void) | null;
  postMessage(answer: ReadAnswer, transfer?: Transferable[]): void;
};

let opened: Promise<EmbeddingFile> | undefined;

scope.onmessage = async ({ data: { id, path, rows } }) => {
  try {
    const file = await (opened ??= EmbeddingFile.open(path!));
    const read = rows[0] === -1 ? await file.readNull() : await file.read(rows);
    const buffers = [read.embeds, read.mask, read.textEmbeds].flatMap((part) => part ? [part.buffer] : []);
    scope.postMessage({ id, rows: read, facts: file.facts }, buffers);
  } catch (cause) {
    const { name, message } = cause instanceof Error ? cause : new Error(`${cause}`);
    scope.postMessage({ id, error: { name, message } });
  }
};
