/** Pieces of HTML. */

/**
 * Text as HTML, for content and attributes.
 *
 * @param text Any text.
 * @returns The same with its special characters as entities.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { escape } from "./html_text.ts";
 *
 * assertEquals(escape(`<a href="x">`), "&lt;a href=&quot;x&quot;&gt;");
 * ```
 */
export function escape(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (c) => entities[c]);
}

/** A cell of a table: its HTML, and the class of its element. */
export interface Cell {
  /** What is in it. */
  readonly html: string;
  /** Its class. */
  readonly kind?: string;
}

/**
 * A table whose first column are headings, in a card that scrolls by itself where it is too wide.
 *
 * @param head Titles of the columns, as HTML.
 * @param rows The heading of each row, as HTML, and its cells.
 * @param kind Class of the table.
 * @returns HTML.
 */
export function table(
  head: readonly Cell[],
  rows: readonly { readonly title: string; readonly cells: readonly Cell[] }[],
  kind: string,
): string {
  const attribute = (name?: string) => name === undefined ? "" : ` class="${name}"`;
  const titles = head.map(({ html, kind }) => `<th scope="col"${attribute(kind)}>${html}</th>`).join("");
  const body = rows.map(({ title, cells }) =>
    `<tr><th scope="row">${title}</th>${
      cells.map(({ html, kind }) => `<td${attribute(kind)}>${html}</td>`).join("")
    }</tr>`
  ).join("\n");
  return `<div class="card scroll" tabindex="0"><table class="${kind}"><thead><tr>${titles}</tr></thead><tbody>
${body}
</tbody></table></div>`;
}
