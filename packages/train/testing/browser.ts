/** A headless browser for tests of pages, where the machine has one. */

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where the browser is; undefined where there is none. */
export const BROWSER: string | undefined = PLACES.find((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

/**
 * Opens a page and gives its document back once its scripts have run.
 *
 * @param file The page's file.
 * @param isDark Whether the reader prefers dark pages.
 * @returns The document as HTML.
 */
export async function openPage(file: string, isDark = false): Promise<string> {
  const profile = await Deno.makeTempDir();
  try {
    const { success, stdout, stderr } = await new Deno.Command(BROWSER!, {
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
        ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
        // The test's page looks into the report's frames, which are files
        "--allow-file-access-from-files",
        `--blink-settings=preferredColorScheme=${isDark ? 0 : 1}`,
        `--user-data-dir=${profile}`,
        "--virtual-time-budget=10000",
        "--dump-dom",
        `file://${file}`,
      ],
    }).output();
    if (!success) throw new Error(`${BROWSER} failed: ${new TextDecoder().decode(stderr).slice(-2000)}`);
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(profile, { recursive: true });
  }
}
