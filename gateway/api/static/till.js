// The cashier's screen: one box that always has the keyboard, commands in the order they were given.

import { amount, quantity } from "./entry.js";
import { follow, post, swap } from "./live.js";
import { Panel } from "./panel.js";
import { Search } from "./search.js";
import { beep, ready } from "./sound.js";
import { refusal, text } from "./words.js";

const { workstation, currency, decimals } = document.body.dataset;
const base = `/v1/baskets/${encodeURIComponent(workstation)}`;
const box = document.getElementById("box");
const said = document.getElementById("said");
const question = document.getElementById("question");
const noticeSlot = document.querySelector("[data-part=notice]");
const decide = document.getElementById("decide");
const panel = new Panel(
  document.getElementById("panel"),
  `/till/${encodeURIComponent(workstation)}`,
  currency,
  Number(decimals),
  () => {
    box.focus();
    needed();
  },
);
const search = new Search(box, document.getElementById("matches"), (item) => ring(item.item_id));

/** A scanner in keyboard mode types on within this time, a person does not: its plus belongs to a code. */
const SCANNER_TYPES_MS = 30;
const BEEP_AGAIN_MS = 400;

// --- what the page says -------------------------------------------------------------------------------------------

let beeped = -BEEP_AGAIN_MS;

/** One mistake may be told twice, by the answer and by the stream: it beeps once. */
function complain() {
  const now = performance.now();
  if (now - beeped < BEEP_AGAIN_MS) return;
  beeped = now;
  beep();
}

function say(words) {
  said.textContent = words;
  said.hidden = !words;
  noticeSlot.hidden = Boolean(words);
  if (words) complain();
}

/** null until the page was drawn: what was said before it was opened does not beep. */
let noticeNumber = null;
/** What an answer said before the stream did: it beeped then. */
let told = "";

function swapped(part, element) {
  if (part === "notice") heardNotice(element.querySelector("[data-number]"));
  if (part === "payment") heardPayment(element.querySelector("[data-payment]"));
  if (part === "training") document.body.classList.toggle("training", Boolean(element.querySelector("[data-training]")));
  if (part === "who") needed();
  if (part === "lines") element.scrollTop = element.querySelector("table") ? element.scrollHeight : 0;
  if (document.activeElement === document.body && !panel.open) box.focus();
}

/** What must be answered opens by itself, once; the button at the head stays. What changed meanwhile is asked anew. */
let lastNeeded = "";
function needed() {
  const button = document.querySelector("[data-needed]");
  const key = button?.dataset.needed ?? "";
  if (key === lastNeeded) return;
  const before = lastNeeded.split(" ")[0];
  const about = panel.open && panel.name === before;
  // A panel about something else is not taken from under a hand; this one follows when it closes.
  if (panel.open && !about && key) return;
  lastNeeded = key;
  if (key) panel.show(button.dataset.panel);
  else if (about && ["age", "wallet"].includes(before)) panel.close();
}

/** A notice of the till replaces one of this page. The same mistake made twice has another number, and beeps twice. */
function heardNotice(notice) {
  say("");
  const before = noticeNumber;
  noticeNumber = notice?.dataset.number ?? before ?? "";
  const isNew = before !== null && before !== noticeNumber;
  const heard = Boolean(notice && told.startsWith(notice.textContent));
  told = "";
  if (isNew && notice.dataset.kind === "error" && !heard) complain();
}

/** The form stands outside the part that is drawn anew, so that what is typed into it stays. */
function heardPayment(panel) {
  const before = document.body.dataset.payment;
  const state = panel?.dataset.payment ?? "";
  document.body.dataset.payment = state;
  const hadKeyboard = decide.contains(document.activeElement);
  decide.hidden = state !== "decide";
  if (state === "decide") {
    const [yes, no] = decide.querySelectorAll("button");
    yes.textContent = panel.dataset.yes;
    no.textContent = panel.dataset.no;
  } else {
    decide.reset();
    if (hadKeyboard) box.focus();
  }
  if (state !== before && (state === "unknown" || state === "decide")) complain();
}

// --- commands -------------------------------------------------------------------------------------------------------

let queue = Promise.resolve();
/** The quantity that was refused last, or null: the item keyed behind it must not be rung as a single one. */
let refusedPieces = null;

/** Do this after all that was asked before; one that fails must not hold up those behind it. */
function inOrder(work) {
  queue = queue.then(work).catch((error) => {
    console.error(error);
    say(text("This page has a fault: reload it, and look at the lines"));
  });
}

function command(path, body) {
  inOrder(() => send(path, body));
}

async function send(path, body) {
  const answer = await post(`${base}/${path}`, body);
  if (!answer) {
    say(text("No answer from the box: look at the lines before you do it again"));
    return false;
  }
  if (answer.ok) refusedPieces = null;
  else if (answer.body.reason === "needs_authority") panel.authorise("POST", `${base}/${path}`, body, refusal(answer.body));
  else refused(answer.body);
  return answer.ok;
}

function refused(problem) {
  if (problem.reason === "confirm_quantity") return complain();
  const notice = noticeSlot.querySelector("[data-number]");
  // The till says most refusals itself, through the stream; this shows the ones that never got that far.
  if (notice && refusal(problem)?.startsWith(notice.textContent)) return;
  told = problem.detail ?? "";
  say(refusal(problem) || text("The box refused this"));
}

function ring(code) {
  clear();
  inOrder(() => {
    if (refusedPieces === null) return send("scan", { code, method: "keyed" });
    const facts = { code, pieces: refusedPieces };
    return say(text("{code} was not rung: key the quantity again to confirm {pieces}, or press Esc to sell one", facts));
  });
}

function times(pieces) {
  box.value = "";
  search.close();
  inOrder(async () => {
    const done = await send("quantity", { pieces, confirmed: refusedPieces === pieces });
    refusedPieces = done ? null : pieces;
  });
}

function enter() {
  const typed = box.value.trim();
  if (!typed) return;
  if (search.enter()) return;
  const found = quantity(typed);
  if (!found) return ring(typed);
  times(found.pieces);
  if (found.code) ring(found.code);
}

function tender(kind) {
  const typed = box.value.trim();
  if (!typed) {
    clear();
    command("tender", { tender_type: kind });
    return;
  }
  const cash = amount(typed, currency, Number(decimals));
  if (cash.fault) {
    box.select();
    say(cash.fault);
    return;
  }
  clear();
  command("tender", { tender_type: kind, amount_minor: cash.minor });
}

const pay = () => tender("Cash");

/** Where there is no terminal there is no key for it. */
function card() {
  if (document.body.classList.contains("cards")) tender("Card");
}

function abort() {
  if (document.body.dataset.payment === "paying") command("abort-payment", {});
}

function decided(event) {
  event.preventDefault();
  const { who, why } = decide.elements;
  command("decide-payment", { paid: event.submitter.value === "yes", who: who.value, why: why.value });
}

function more() {
  panel.show("menu");
}

function voidLast() {
  clear();
  command("void-line", {});
}

function clear() {
  box.value = "";
  search.close();
  say("");
}

// --- asking first -----------------------------------------------------------------------------------------------------

let asked = null;

/** Yes is a touch, or the same key again; never Enter, which a scanner sends. Any other key means no. */
function ask(words, key, yes) {
  asked = { key, yes };
  question.querySelector("p").textContent = words;
  question.querySelector("kbd").textContent = key.replace("Delete", "Del");
  question.hidden = false;
}

function answer(is) {
  const yes = asked?.yes;
  asked = null;
  question.hidden = true;
  if (is && yes) yes();
}

function askVoidAll() {
  const lines = document.querySelectorAll("[data-line]").length;
  if (!document.querySelector("[data-part=lines] table")) return void command("void", {});
  const words = lines === 1 ? text("Void the whole sale, 1 line?") : text("Void the whole sale, {lines} lines?", { lines });
  ask(words, "Shift+Delete", () => command("void", {}));
}

/** F3 and F4 answer the first offer, F5 and F6 the second. */
function offer(place, answer) {
  const offers = document.querySelectorAll("[data-rule]");
  if (offers[place]) takeOffer(offers[place], answer);
}

function takeOffer(shown, answer) {
  if (shown.querySelector(`[data-offer=${answer}]`)) {
    command(`prompts/${encodeURIComponent(shown.dataset.rule)}/${answer}`, {});
  }
}

// --- keys, touches, and what is typed ---------------------------------------------------------------------------------

let plus = 0;

/** Pay, unless the next character follows at once: then a scanner typed a code with a plus in it. */
function plusTyped() {
  clearTimeout(plus);
  plus = setTimeout(() => {
    plus = 0;
    pay();
  }, SCANNER_TYPES_MS);
}

function plusWasPartOfACode() {
  clearTimeout(plus);
  plus = 0;
  box.value += "+";
}

const ACTS = {
  enter,
  pay,
  card,
  abort,
  attend: () => command("attend", {}),
  clear: escape,
  yes: () => answer(true),
  no: () => answer(false),
  times: () => (/^\d{1,4}$/.test(box.value) ? times(Number(box.value)) : say(text("Key the quantity first, then ×"))),
  back: () => edit((typed) => typed.slice(0, -1)),
  names: () => {
    box.inputMode = "text";
    box.blur();
  },
  more,
  "void-last": voidLast,
  "void-all": askVoidAll,
};

const KEYS = {
  Enter: enter,
  F9: pay,
  F8: card,
  "Shift+F8": abort,
  F2: voidLast,
  F3: () => offer(0, "accept"),
  F4: () => offer(0, "refuse"),
  F5: () => offer(1, "accept"),
  F6: () => offer(1, "refuse"),
  F10: more,
  Escape: escape,
  "+": plusTyped,
  "Shift+Delete": askVoidAll,
  ArrowDown: () => search.move(1),
  ArrowUp: () => search.move(-1),
};

function escape() {
  clear();
  // Behind what is still under way, whose refusal may be on the screen before its answer is here.
  inOrder(() => {
    refusedPieces = null;
  });
  noticeSlot.replaceChildren();
}

function edit(change) {
  box.value = change(box.value);
  box.dispatchEvent(new Event("input"));
}

/** What a key does; null where it is just typed. */
function actOf(name, elsewhere) {
  if (name === "Delete") return box.value && !elsewhere ? null : voidLast;
  // A button that has the keyboard takes Enter and the arrows as everywhere.
  if (elsewhere && ["Enter", "ArrowDown", "ArrowUp"].includes(name)) return null;
  return KEYS[name] || null;
}

/** The same key again is a yes, held down it is not. Escape is only a no; any other key is a no and does its own. */
function answered(name) {
  if (!asked) return false;
  const is = name === asked.key;
  answer(is);
  return is || name === "Escape";
}

function keyed(event) {
  if (panel.open) return;
  if (panel.hold(event.key)) return event.preventDefault();
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.key === "Shift") return;
  ready();
  if (document.activeElement.closest("#decide, .languages")) return;
  const name = (event.shiftKey && event.key.length > 1 ? "Shift+" : "") + event.key;
  const elsewhere = document.activeElement !== box && document.activeElement !== document.body;
  const act = actOf(name, elsewhere);
  if (event.repeat && act && !event.key.startsWith("Arrow")) return event.preventDefault();
  if (answered(name)) return event.preventDefault();
  if (plus && event.key.length === 1) plusWasPartOfACode();
  if (act) {
    event.preventDefault();
    act();
  } else if (event.key.length === 1 && !(elsewhere && event.key === " ")) box.focus();
}

/** A key that came before this script did. */
function typedEarly(name) {
  if (panel.hold(name) || answered(name)) return;
  if (plus && name.length === 1) plusWasPartOfACode();
  const act = actOf(name, false);
  if (act) act();
  else if (name.length === 1) edit((typed) => typed + name);
}

function touched(event) {
  ready();
  const button = event.target.closest("button");
  if (button?.dataset.type) edit((typed) => typed + button.dataset.type);
  else if (button?.dataset.line) panel.show(`line?line=${button.dataset.line}`);
  else if (button?.dataset.panel && !panel.open) panel.show(button.dataset.panel);
  else if (button?.dataset.offer) takeOffer(button.closest("[data-rule]"), button.dataset.offer);
  else if (button?.dataset.act) ACTS[button.dataset.act]();
  if (!panel.open && !event.target.closest("a, #decide, .languages, dialog") && !String(getSelection())) box.focus();
}

box.addEventListener("input", () => {
  said.hidden || say("");
  const found = /^\d{1,4}[x*×]$/.test(box.value) && quantity(box.value);
  if (found) times(found.pieces);
  else search.typed();
});
decide.addEventListener("submit", decided);
document.addEventListener("keydown", keyed);
document.addEventListener("click", touched);
document.querySelector(".languages select").addEventListener("change", (event) => event.target.form.submit());
// A touch screen has its keys on the page; the system's keyboard comes up only for names.
if (matchMedia("(pointer: coarse)").matches) box.inputMode = "none";

swap(document.getElementById("first").innerHTML, swapped);
follow(`/till/${encodeURIComponent(workstation)}/events`, {
  basket: (html) => swap(html, swapped),
  status: (html) => swap(html, swapped),
}, () => !box.value);
box.focus();
for (const name of window.early.take()) typedEarly(name);
