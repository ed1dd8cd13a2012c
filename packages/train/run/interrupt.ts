/** Ctrl-C that lets a step finish. */

/** A request to stop, and the way to stop listening for one. */
export interface Interrupt extends Disposable {
  /** Whether somebody asked to stop. */
  readonly requested: boolean;
}

/** Exit code of a run that Ctrl-C ended: 128 + SIGINT, as shells have it. */
export const INTERRUPTED = 130;

/**
 * Listens for SIGINT and SIGTERM. The first asks the run to stop after its
 * step; a second one ends the process at once.
 *
 * @param onFirst Called at the first signal.
 * @returns The request; disposing it restores the default behaviour.
 */
export function listenForInterrupt(onFirst: () => void): Interrupt {
  let requested = false;
  const listener = () => {
    if (requested) Deno.exit(INTERRUPTED);
    requested = true;
    onFirst();
  };
  // Windows knows no SIGTERM.
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, listener);
  return {
    get requested() {
      return requested;
    },
    [Symbol.dispose]() {
      for (const signal of signals) Deno.removeSignalListener(signal, listener);
    },
  };
}
