/** A page in a headless browser, with a keyboard and a mouse: the DevTools protocol over a socket. */
import { BROWSER } from "./browser.ts";

type Answer = Record<string, unknown>;

/** Virtual key codes of keys that are no characters. */
const KEY_CODES: Readonly<Record<string, number>> = {
  Backspace: 8,
  Enter: 13,
  Tab: 9,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
};

/** A page of a browser of its own. */
export class BrowserPage implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #session: string | undefined;
  #sent = 0;

  private constructor(child: Deno.ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child;
    this.#profile = profile;
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const { id, result, error } = JSON.parse(data);
      const own = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) own?.reject(new Error(error.message));
      else own?.resolve(result);
    };
  }

  /**
   * Starts a browser and opens a page.
   *
   * @param url The page's address.
   */
  static async open(url: string): Promise<BrowserPage> {
    const profile = await Deno.makeTempDir();
    const child = new Deno.Command(BROWSER!, {
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server"],
        ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
        ...[`--user-data-dir=${profile}`, "--remote-debugging-port=0", "about:blank"],
      ],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const socket = new WebSocket(await textIn(child.stderr, /DevTools listening on (ws:\S+)/));
    await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
    const page = new BrowserPage(child, profile, socket);
    const { targetId } = await page.#call("Target.createTarget", { url });
    const { sessionId } = await page.#call("Target.attachToTarget", { targetId, flatten: true });
    page.#session = sessionId as string;
    return page;
  }

  /**
   * Evaluates an expression in the page.
   *
   * @param expression JavaScript; a promise is waited for.
   * @returns Its value, as JSON can carry it.
   */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#call("Runtime.evaluate", {
      ...{ expression, awaitPromise: true, returnByValue: true },
    });
    if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: unknown }).value;
  }

  /**
   * Waits until an expression is true; a page that is being loaded may have nothing yet that it speaks of.
   *
   * @param expression JavaScript.
   */
  async until(expression: string): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
      if (await this.evaluate(expression).catch(() => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(
      `${expression} is not true after half a minute; the page says ${await this.evaluate("document.body.innerText")}`,
    );
  }

  /**
   * Presses a key.
   *
   * @param key Its name.
   * @param isRepeated Whether it is held down.
   */
  async press(key: string, isRepeated = false): Promise<void> {
    const code = KEY_CODES[key] ?? key.toUpperCase().charCodeAt(0);
    const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
    const common = { key, code: key.length === 1 ? `Key${key.toUpperCase()}` : key, windowsVirtualKeyCode: code };
    const down = { type: "keyDown", ...common, autoRepeat: isRepeated, ...(text === undefined ? {} : { text }) };
    await this.#call("Input.dispatchKeyEvent", down);
    await this.#call("Input.dispatchKeyEvent", { type: "keyUp", ...common });
  }

  /**
   * Clicks into the middle of an element.
   *
   * @param selector Which.
   */
  async click(selector: string): Promise<void> {
    const box = `(({ x, y, width, height }) => [x + width / 2, y + height / 2])(
      document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect())`;
    const [x, y] = await this.evaluate(box) as [number, number];
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.#call("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    }
  }

  /**
   * Sets the window's size and whether the reader prefers dark pages.
   *
   * @param width In pixels.
   * @param height In pixels.
   * @param isDark Whether it is night.
   */
  async view(width: number, height: number, isDark = false): Promise<void> {
    await this.#call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    const features = [{ name: "prefers-color-scheme", value: isDark ? "dark" : "light" }];
    await this.#call("Emulation.setEmulatedMedia", { features });
  }

  /** What is there for a screen reader: role and name of everything that has a name. */
  async accessible(): Promise<{ role: string; name: string }[]> {
    const { nodes } = await this.#call("Accessibility.getFullAXTree", {});
    type Node = { ignored: boolean; role?: { value: string }; name?: { value: string } };
    return (nodes as Node[]).flatMap(({ ignored, role, name }) =>
      ignored || !name?.value ? [] : [{ role: role!.value, name: name.value }]
    );
  }

  /** A picture of the window, as PNG bytes. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.#call("Page.captureScreenshot", { format: "png" });
    return Uint8Array.fromBase64(data as string);
  }

  /** Ends the browser and removes its profile. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#session = undefined;
    await this.#call("Browser.close", {}).catch(() => {});
    this.#socket.close();
    await this.#child.status;
    await Deno.remove(this.#profile, { recursive: true });
  }

  #call(method: string, params: Record<string, unknown>): Promise<Answer> {
    const id = ++this.#sent, answer = Promise.withResolvers<Answer>();
    this.#waiting.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params, ...(this.#session ? { sessionId: this.#session } : {}) }));
    return answer.promise;
  }
}

/**
 * Waits for a text in a stream, and goes on emptying the stream.
 *
 * @param stream The output of a process.
 * @param pattern The text, with one group.
 * @returns The group.
 * @throws {Error} If the stream ends before; with what it held.
 */
export async function textIn(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string> {
  const [own, rest] = stream.tee();
  rest.pipeTo(new WritableStream()).catch(() => {});
  let text = "";
  for await (const part of own.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
    text += part;
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error(`The process ended without ${pattern}: ${text}`);
}
