import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writePng } from "../images.ts";
import { BROWSER, openPage } from "../testing/browser.ts";
import { demoReport } from "../testing/demo_report.ts";
import { embedImage } from "./embed_image.ts";
import { htmlReport } from "./html_report.ts";

/** What a browser makes of the page at a width. */
interface Seen {
  readonly width: number;
  readonly scrollWidth: number;
  readonly title: string;
  readonly background: string;
  readonly images: number;
  readonly broken: number;
  readonly rows: number;
  readonly intervals: number;
  readonly bars: number;
  readonly outside: string[];
  readonly captions: string[];
  readonly smallest: number;
}

/** Runs in the browser, in a page that holds the report in frames of several widths. */
const LOOK = `addEventListener("load", async () => {
  const seen = [];
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, all = (s) => [...page.querySelectorAll(s)];
    const images = all("img");
    images.forEach((image) => image.loading = "eager");
    await new Promise((resolve) => setTimeout(resolve, 500));
    seen.push({
      width: page.documentElement.clientWidth,
      scrollWidth: page.documentElement.scrollWidth,
      title: page.title,
      background: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
      images: images.length,
      broken: images.filter((image) => !image.naturalWidth).length,
      rows: all(".numbers tbody tr").length,
      intervals: all(".interval circle").length,
      bars: all("svg .bar").length,
      outside: frame.contentWindow.performance.getEntriesByType("resource").map(({ name }) => name)
        .filter((name) => !name.startsWith("data:")),
      captions: all(".sample figcaption").map((caption) => caption.textContent),
      smallest: Math.min(...images.map((image) => image.getBoundingClientRect().width)),
    });
  }
  document.querySelector("#seen").textContent = JSON.stringify(seen);
});`;

Deno.test({
  name: "report.html in a browser: whole on a phone and a desk, light and dark, and nothing from outside" +
    (BROWSER ? "" : " (left out: this machine has no Chromium)"),
  ignore: BROWSER === undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const report = demoReport(folder);
      for (const { file, other } of report.images) {
        const rgb = new Uint8Array(12).fill(file.length % 250);
        for (const path of [file, other!.file]) await writePng(path, { width: 2, height: 2, rgb });
      }
      await Deno.writeTextFile(`${folder}/report.html`, await htmlReport(report, embedImage));
      const frames = [390, 1200].map((width) =>
        `<iframe src="report.html" style="width:${width}px;height:900px;border:0"></iframe>`
      );
      const page = `<!doctype html><script>${LOOK}</script>${frames.join("")}<pre id="seen"></pre>`;
      await Deno.writeTextFile(`${folder}/look.html`, page);
      const look = async (isDark: boolean): Promise<Seen[]> => {
        const text = /<pre id="seen">(.*)<\/pre>/s.exec(await openPage(`${folder}/look.html`, isDark))![1];
        return JSON.parse(text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"));
      };
      const [light, dark] = [await look(false), await look(true)];
      for (const seen of [...light, ...dark]) {
        assertEquals(seen.scrollWidth, seen.width, "nothing sticks out at the side");
        assertEquals(seen.title, "Evaluation of after");
        // Six prompts: three best and three worst in pairs, and all twelve images
        assertEquals([seen.images, seen.broken], [2 * (3 + 3 + 12), 0]);
        assertEquals([seen.rows, seen.intervals], [2, 1]);
        assert(seen.bars > 5 && seen.smallest > 40);
        assertEquals(seen.outside, []);
        assert(seen.captions.some((caption) => caption.startsWith('"e" & <f>')), "prompts are text");
      }
      assert(light[0].background !== dark[0].background);
      assertEquals(light[0].captions.slice(0, 3), [`${"g".repeat(40)} no. 2`, "d no. 2", "b no. 2"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("large images are scaled for the page, small ones are as they are", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const write = async (size: number) => {
      await writePng(`${folder}/${size}.png`, { width: size, height: size, rgb: new Uint8Array(3 * size * size) });
      return await embedImage(`${folder}/${size}.png`);
    };
    const [small, large] = [await write(8), await write(600)];
    assertStringIncludes(small.url, "data:image/png;base64,");
    assertEquals([small.width, large.width], [8, 320]);
    assertStringIncludes(large.url, "data:image/jpeg;base64,");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
