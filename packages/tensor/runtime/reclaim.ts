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
let isCollected = false;
const canaries = new FinalizationRegistry<null>(() => isCollected = true);

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
  if (grown >= ALLOWANCE) await collect();
}

/** Collects dropped tensors. */
export function collect(): Promise<void> {
  return running ??= untilCollected().finally(() => running = undefined);
}

async function untilCollected(): Promise<void> {
  grown = 0;
  isCollected = false;
  plant();
  for (let turns = 0; !isCollected && turns < MOST_TURNS; turns++) {
    provoke();
    await turn();
  }
  // The collector tells of the tensors in the same breath, but in a task of their own
  await turn();
}

/** Drops an object; it is collected together with everything that was dropped before. */
function plant(): void {
  canaries.register({}, null);
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
