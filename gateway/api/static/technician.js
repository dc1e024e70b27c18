// The technician's page: cards that follow their devices, a log of each, and its tests.

import { follow, post, put } from "./live.js";

const KEPT = 200;
const cards = new Map([...document.querySelectorAll("section[data-device]")].map((card) => [card.dataset.device, card]));

/** The log of one device: newest at the bottom; paused it collects, and shows it all afterwards. */
class Log {
  constructor(card) {
    this.list = card.querySelector(".entries");
    this.pauseKey = card.querySelector("[data-log=pause]");
    this.known = new Set();
    this.held = null;
    this.pauseKey.addEventListener("click", () => this.pause());
    const bytes = card.querySelector("[data-log=bytes]");
    bytes.addEventListener("click", () => {
      const hidden = this.list.classList.toggle("events-only");
      bytes.setAttribute("aria-pressed", String(!hidden));
      this.list.scrollTop = this.list.scrollHeight;
    });
    card.querySelector("[data-log=clear]").addEventListener("click", () => {
      this.list.replaceChildren();
      if (this.held) this.held = [];
      this.label();
    });
  }

  /** After a break the stream tells again what it told before: an entry is shown once. */
  add(row) {
    const text = row.outerHTML;
    if (this.known.has(text)) return;
    this.known.add(text);
    if (this.known.size > 4 * KEPT) this.known.delete(this.known.values().next().value);
    if (this.held) {
      this.held.push(row);
      if (this.held.length > KEPT) this.held.shift();
    } else this.show([row]);
    this.label();
  }

  show(rows) {
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    this.list.append(...rows);
    while (this.list.children.length > KEPT) this.list.firstChild.remove();
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  pause() {
    const held = this.held;
    this.held = held ? null : [];
    if (held) this.show(held);
    this.label();
  }

  label() {
    const waiting = this.held?.length ? ` (${this.held.length} new)` : "";
    this.pauseKey.textContent = this.held ? `Resume${waiting}` : "Pause";
    this.pauseKey.setAttribute("aria-pressed", String(Boolean(this.held)));
  }
}

const logs = new Map([...cards].map(([device, card]) => [device, new Log(card)]));

function entry(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html.trim();
  const row = fresh.content.firstElementChild;
  logs.get(row.dataset.device)?.add(row);
}

// --- tests ------------------------------------------------------------------------------------------------------------

function inWords(operation, body) {
  if (operation === "weigh") {
    const kind = body.stable ? "stable" : "not stable";
    return `${body.grams} g, ${kind}${body.net ? ", net" : ""}, ${body.age_ms} ms old`;
  }
  if (operation === "check-health") return `answered: ${body.power}`;
  return `done in ${body.took_ms} ms`;
}

async function test(device, button) {
  const output = button.parentElement.querySelector("output");
  const operation = button.dataset.test;
  const label = button.textContent;
  output.className = "";
  output.textContent = `${label}…`;
  button.disabled = true;
  const answer = await post(`/v1/devices/${encodeURIComponent(device)}/${operation}`);
  button.disabled = false;
  output.className = answer?.ok ? "good" : "bad";
  if (!answer) output.textContent = `${label}: no answer from the box`;
  else if (answer.ok) output.textContent = `✓ ${label}: ${inWords(operation, answer.body)}`;
  else output.textContent = `✕ ${answer.body.detail}${answer.body.code ? ` (UnifiedPOS ${answer.body.code})` : ""}`;
}

for (const [device, card] of cards) {
  for (const button of card.querySelectorAll("[data-test]")) {
    button.addEventListener("click", () => test(device, button));
  }
}

// --- the log as a file ------------------------------------------------------------------------------------------------

/** What stands in the log, as text: what a technician sends to whoever made the device. */
function download(device, list) {
  const lines = [...list.children].map((row) => row.innerText.replaceAll(/\s+/g, " ").trim());
  const day = new Date().toISOString().slice(0, 10);
  const text = [`${device} on ${location.host}, ${day}, times in UTC`, ...lines, ""].join("\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = `${device}-${day}.txt`;
  link.click();
  URL.revokeObjectURL(link.href);
}

for (const [device, card] of cards) {
  card.querySelector("[data-log=download]").addEventListener("click", () => download(device, card.querySelector(".entries")));
}

const handlers = { link: (html) => put("link", html), programs: (html) => put("programs", html), entry };
for (const device of cards.keys()) handlers[`device-${device}`] = (html) => put(`device-${device}`, html);
follow("/technician/events", handlers);
