/**
 * Keeping errors that the device reports late until somebody can be told.
 *
 * @module
 */

/** Holds the first error of a device until it is thrown. */
export class ErrorLatch {
  #first: Error | undefined;
  #lost: Error | undefined;

  /** Listens to a device. Its loss is an error unless isDestroyed says otherwise. */
  constructor(device: GPUDevice, isDestroyed: () => boolean) {
    device.addEventListener("uncapturederror", (event) => {
      // Handled: it is thrown from the backend instead of being printed.
      event.preventDefault();
      const { error } = event as GPUUncapturedErrorEvent;
      this.keep(new Error(`The device reports: ${text(error)}`));
    });
    device.lost.then((info) => {
      if (isDestroyed()) return;
      const why = info.message || info.reason || "no reason given";
      this.#lost = new Error(
        `The device was lost: ${why.trim()}; init() opens it anew, without the tensors that lay on it`,
      );
    });
  }

  /** The loss of the device. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Keeps an error, unless an earlier one is still waiting. */
  keep(error: Error): void {
    this.#first ??= error;
  }

  /** Throws the kept error: once, but the loss of the device always. */
  throwKept(): void {
    const error = this.#lost ?? this.#first;
    this.#first = undefined;
    if (error !== undefined) throw error;
  }

  /** Lets what follows from an error arrive, and the reason of one, then throws the kept error. */
  async throwSettled(): Promise<void> {
    // Events come in a task of their own; so does the news that the device is gone, after the errors that it causes
    for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setTimeout(resolve, 0));
    this.throwKept();
  }

  /** Whether there is an error to throw. */
  get hasKept(): boolean {
    return (this.#lost ?? this.#first) !== undefined;
  }
}

/** The message of a device error without its surrounding blank lines. */
export function text(error: GPUError): string {
  return error.message.trim();
}

/**
 * The message for a kernel that does not compile: its name, what the compiler
 * says and, where it says where, the line in question.
 */
export function compileMessage(
  label: string,
  code: string,
  error: GPUError,
): string {
  const message = text(error);
  const place = message.match(/wgsl:(\d+):(\d+)/);
  const head = `Kernel "${label}" does not compile`;
  if (place === null) return `${head}: ${message}`;
  const line = code.split("\n")[Number(place[1]) - 1]?.trim() ?? "";
  return `${head}, line ${place[1]}: ${line}\n${message}`;
}
