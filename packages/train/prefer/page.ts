/** The page to choose on: one document that needs nothing but the server it comes from. */
import { escape } from "../evaluate/html_text.ts";
import { SCRIPT } from "./page_script.ts";
import { STYLE } from "./page_style.ts";

/**
 * Writes the page.
 *
 * @param file The file that choices go to, for the reader.
 * @param nonce What lets its style and its script through the content security policy.
 * @returns HTML.
 */
export function page(file: string, nonce: string): string {
  const side = (id: string, key: string) =>
    `<button id="${id}" type="button"><img alt="" width="32" height="32"><kbd aria-hidden="true">${key}</kbd></button>`;
  const action = (id: string, text: string, key: string, isDisabled = false) =>
    `<button id="${id}" type="button"${
      isDisabled ? " disabled" : ""
    }>${text}<kbd aria-hidden="true">${key}</kbd></button>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Which do you prefer?</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
<div class="progress"><progress id="bar" value="0" max="1" aria-label="Pairs judged"></progress><span id="count"></span></div>
<h1 id="prompt">Drawing the first pair</h1>
<div id="pair" class="pair" role="group" aria-labelledby="prompt">
${side("left", "&larr;")}
${side("right", "&rarr;")}
</div>
<div id="done" class="done" hidden><p id="counts"></p><p>They are in <code>${escape(file)}</code></p></div>
<div class="actions">
${action("tie", "Tie", "&darr;")}
${action("skip", "Skip", "S")}
${action("undo", "Undo", "U", true)}
</div>
<p id="alarm" class="alarm" role="alert" hidden><span id="reason"></span> Nothing that was counted is lost.
<button id="again" type="button">Try again</button></p>
<p id="news" class="unseen" role="status"></p>
</main>
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>
`;
}
