/**
 * Has dropped tensors collected in time. The garbage collector sees a small object where a tensor holds megabytes of
 * the device, so it would come far too late; what it does see is the length of array buffers.
 */

/** Bytes that tensors may grow by between two collections. */
const ALLOWANCE = 512 * 2 ** 20;

/** What the smallest tensor counts as: every buffer costs the driver something. */
const SMALLEST = 64 * 2 ** 10;

/** Length of the array buffer that is shown to the collector. */
const SHOWN = 2 ** 30;

/** Turns of the event loop after which a collection is given up. */
const MOST_TURNS = 32;

let grown = 0;
let running: Promise<void> | undefined;
let planted = 0;
let collected = 0;
const canaries = new FinalizationRegistry<number>((canary) => collected = Math.max(collected, canary));

/** Counts memory that a tensor took. */
export function owned(bytes: number): void {
  grown += Math.max(bytes, SMALLEST);
}

/** Counts memory that a tensor gave back. */
export function disowned(bytes: number): void {
  grown = Math.max(0, grown - Math.max(bytes, SMALLEST));
}

/** Collects dropped tensors if a lot was taken since the last time; otherwise does nothing. */
export async function reclaim(): Promise<void> {
  if (grown < ALLOWANCE) return;
  await cycle();
  // A cycle that had begun before the tensors were dropped found them alive
  if (grown >= ALLOWANCE / 2) await cycle();
  // What is left is held: only what comes on top counts
  grown = 0;
}

/** Collects all dropped tensors. */
export async function collect(): Promise<void> {
  // What was dropped while the collector was on its way survives the first cycle
  await cycle();
  await cycle();
  grown = 0;
}

/** One cycle of the collector, shared by all who ask for it while it runs. */
function cycle(): Promise<void> {
  return running ??= untilCollected().finally(() => running = undefined);
}

async function untilCollected(): Promise<void> {
  const canary = plant();
  for (let turns = 0; collected < canary && turns < MOST_TURNS; turns++) {
    provoke();
    await turn();
  }
  // The collector tells of the tensors in the same breath, but in a task of their own
  await turn();
}

/** Drops an object, which the collector reports when it has come by. */
function plant(): number {
  canaries.register({}, ++planted);
  return planted;
}

/** Makes the collector run: where it is exposed, by asking; elsewhere by a long array that costs no memory. */
function provoke(): void {
  const { gc } = globalThis as { gc?: () => void };
  if (gc) return gc();
  try {
    // Resizable, so that its pages are reserved and never touched
    new ArrayBuffer(SHOWN, { maxByteLength: SHOWN });
  } catch {
    // No address space left: the collector has run for that alone
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
