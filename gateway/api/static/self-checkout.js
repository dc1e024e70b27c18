// The screen of a self-checkout: what a customer touches becomes a command to the till, whose state it follows.

import { Attendant } from "./attendant.js";
import { Board } from "./board.js";
import { Find } from "./find.js";
import { follow, post, swap } from "./live.js";
import { Presence } from "./presence.js";
import { beep, ready } from "./sound.js";
import { text } from "./words.js";

const { workstation, abandoned, undecided } = document.body.dataset;
const here = `/self-checkout/${encodeURIComponent(workstation)}`;
const base = `/v1/baskets/${encodeURIComponent(workstation)}`;
const language = document.documentElement.lang;
const said = document.getElementById("said");
const dialogs = Object.fromEntries([...document.querySelectorAll("dialog")].map((one) => [one.id, one]));
const attendant = new Attendant(dialogs.attendant, base);
const find = new Find(dialogs.find, dialogs.weigh, (item) => command("scan", { code: item.item_id, method: "keyed" }));
const presence = new Presence(stillThere, gone);
/** So long the thanks stand, and so long a language stays that was chosen and not used. */
const THANKS_MS = 20000;
const LANGUAGE_MS = 60000;
/** A scanner in keyboard mode types on within this time. */
const SCANNER_TYPES_MS = 100;

for (const place of document.querySelectorAll("[data-board]")) {
  new Board(place, place.closest("dialog"), { space: text("Space"), back: text("Delete the last character") });
}

// --- what the till says ---------------------------------------------------------------------------------------------

let resetting = 0;
let calledFor = "";

function swapped(part, element) {
  if (part === "stage") staged(element.querySelector("[data-stage]").dataset);
  if (part === "lines") {
    element.scrollTop = element.scrollHeight;
    say("");
  }
  if (part === "notice" && element.querySelector("[data-kind=error]")) beep();
  if (part === "blocked") blocked(Boolean(element.querySelector("[data-blocks]")));
  if (part === "attendant" && dialogs.attendant.open && !attendant.waiting) attendant.show();
  presence.here();
}

function staged({ stage, waits, age, undecided: open }) {
  clearTimeout(resetting);
  document.body.dataset.stage = stage;
  presence.watch(stage === "selling" && !waits);
  if (waits) dialogs.still.close();
  if (stage === "thanks") resetting = setTimeout(reset, THANKS_MS);
  if (stage === "idle" && location.search) resetting = setTimeout(reset, LANGUAGE_MS);
  if (stage !== "selling") for (const name of ["find", "weigh", "cancel", "cash", "still"]) dialogs[name]?.close();
  callFor(age || (open ? undecided : ""));
}

/** Somebody is called by itself for what the customer cannot answer, once for each such thing. */
function callFor(what) {
  if (what && what !== calledFor) post(`${base}/help`, { text: what });
  calledFor = what;
}

function blocked(is) {
  if (!is) return dialogs.blocked.close();
  for (const name of ["find", "weigh", "cancel", "cash", "still"]) dialogs[name]?.close();
  if (!dialogs.blocked.open) dialogs.blocked.showModal();
}

/** Ready for the next customer, in the store's language. */
function reset() {
  if (location.search) location.replace(here);
  else document.body.dataset.stage = "idle";
}

function say(words) {
  said.textContent = words;
  said.hidden = !words;
  if (words) beep();
}

// --- commands -------------------------------------------------------------------------------------------------------

/** {ok, why}; what the till says itself it says through the stream. */
async function command(path, body = {}) {
  say("");
  const answer = await post(`${base}/${path}`, body);
  if (!answer) {
    const why = text("No answer from the box. Please try again.");
    say(why);
    return { ok: false, why };
  }
  if (!answer.ok && answer.body.reason === "needs_authority") attendant.authorise({ path, body }, answer.body.detail);
  const notice = document.querySelector("[data-part=notice]").textContent.trim();
  return { ok: answer.ok, why: answer.ok ? "" : notice || answer.body.detail };
}

function stillThere() {
  if (!dialogs.still.open) dialogs.still.showModal();
  beep();
}

/** The basket stays as it is: an attendant decides what becomes of it. */
function gone() {
  dialogs.still.close();
  command("help", { text: abandoned });
}

const ACTS = {
  help: () => {
    dialogs.still.close();
    command("help");
  },
  find: () => find.open(),
  weigh: () => find.weigh(),
  "ask-cancel": () => dialogs.cancel.showModal(),
  cancel: () => {
    dialogs.cancel.close();
    command("void");
  },
  "ask-cash": () => dialogs.cash.showModal(),
  cash: () => {
    dialogs.cash.close();
    command("tender", { tender_type: "Cash" });
  },
  abort: () => command("abort-payment"),
  attendant: () => attendant.open(),
};

function touched(event) {
  ready();
  const button = event.target.closest("button");
  if (!button) return;
  const { line, pay, wallet, offer } = button.dataset;
  if (button.hasAttribute("data-close")) button.closest("dialog").close();
  else if (line) command("void-line", { line_number: Number(line) });
  else if (pay) command("tender", { tender_type: pay, wallet });
  else if (offer) command(`prompts/${encodeURIComponent(button.closest("[data-rule]").dataset.rule)}/${offer}`);
  else ACTS[button.dataset.do]?.();
}

// --- a scanner in keyboard mode ---------------------------------------------------------------------------------------

let typed = "";
let typedAt = 0;

function keyed(event) {
  if (document.querySelector("dialog[open]") || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.timeStamp - typedAt > SCANNER_TYPES_MS) typed = "";
  typedAt = event.timeStamp;
  if (event.key.length === 1) typed += event.key;
  else if (event.key === "Enter" && typed.length > 2) {
    event.preventDefault();
    command("scan", { code: typed, method: "scanned" });
    typed = "";
  }
}

document.addEventListener("click", touched);
document.addEventListener("keydown", keyed);
dialogs.blocked.addEventListener("cancel", (event) => event.preventDefault());
swap(document.getElementById("first").innerHTML, swapped);
follow(`${here}/events?language=${encodeURIComponent(language)}`, { basket: (html) => swap(html, swapped) });
for (const key of window.early.take()) {
  if (key.length === 1) typed += key;
  else if (key === "Enter" && typed.length > 2) command("scan", { code: typed, method: "scanned" });
  if (key === "Enter") typed = "";
}
typedAt = performance.now();
