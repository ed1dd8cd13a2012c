/** What the page to choose on does. */

/**
 * The script. The server alone knows where the session stands: the page shows the state that it is sent, and sends which
 * pair a choice is of, so that a second click or a second window changes nothing.
 */
export const SCRIPT = `
const $ = (id) => document.getElementById(id);
const sides = [$("left"), $("right")];
let state, isBusy = false;

async function ask(path, body) {
  const answer = await fetch(path, body && {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  // 409: the pair was judged before, here or elsewhere; the answer says where the session stands
  if (!answer.ok && answer.status !== 409) throw new Error(await answer.text());
  return await answer.json();
}

async function show(next) {
  const { pair, total, prompt, images, upcoming, counts } = next;
  const isDone = prompt === null;
  const loaded = await Promise.all(images.map(async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  }));
  state = next;
  $("prompt").textContent = isDone ? "All " + total + " pairs are judged" : prompt;
  $("pair").hidden = $("tie").hidden = $("skip").hidden = isDone;
  $("done").hidden = !isDone;
  $("bar").max = total;
  $("bar").value = pair;
  $("count").textContent = pair + " of " + total;
  $("undo").disabled = pair === 0;
  loaded.forEach((image, i) => {
    const own = sides[i].querySelector("img");
    own.src = image.src;
    own.alt = (i ? "Right" : "Left") + " image of: " + prompt;
    own.className = Math.max(image.naturalWidth, image.naturalHeight) <= 128 ? "tiny" : "";
  });
  $("counts").textContent = counts.chosen + " chosen, " + counts.ties + " ties, " + counts.skipped + " skipped";
  $("news").textContent = isDone ? $("prompt").textContent : "Pair " + (pair + 1) + " of " + total + ": " + prompt;
  if (isDone && document.activeElement !== $("undo")) $("undo").focus({ preventScroll: true });
  upcoming.forEach((url) => new Image().src = url);
}

async function act(path, body) {
  if (isBusy) return;
  isBusy = true;
  document.body.setAttribute("aria-busy", "true");
  try {
    await show(await ask(path, body));
    $("alarm").hidden = true;
  } catch (error) {
    $("reason").textContent = error instanceof TypeError ? "The server does not answer." : String(error.message);
    $("alarm").hidden = false;
  } finally {
    isBusy = false;
    document.body.removeAttribute("aria-busy");
  }
}

const choose = (verdict) => state && state.prompt !== null && act("choice", { pair: state.pair, verdict });
const undo = () => state && state.pair > 0 && act("undo", { pair: state.pair });
const KEYS = {
  ArrowLeft: () => choose("left"), 1: () => choose("left"),
  ArrowRight: () => choose("right"), 2: () => choose("right"),
  ArrowDown: () => choose("tie"), 0: () => choose("tie"), t: () => choose("tie"),
  s: () => choose("skip"),
  u: undo, Backspace: undo,
};
addEventListener("keydown", (event) => {
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (!event.repeat) action();
});
for (const verdict of ["left", "right", "tie", "skip"]) $(verdict).addEventListener("click", () => choose(verdict));
$("undo").addEventListener("click", undo);
$("again").addEventListener("click", () => act("state"));
act("state");
`;
