// Keeps a page up to date from a stream of server-sent events, through every break of the line.

import { text } from "./words.js";

const BEATS_MISSED_MS = 16000;
const AGAIN_MS = 1000;
const SAY_LOST_MS = 300;

const shown = new Map();

/** Put this HTML into the element with this data-part; what did not change is left alone. */
export function put(name, fresh, after = () => {}) {
  const html = fresh.trim();
  const old = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
  if (!old || shown.get(name) === html) return;
  shown.set(name, html);
  old.innerHTML = html;
  after(name, old);
}

/** As put, for each [data-part] of this HTML. */
export function swap(html, after) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  for (const part of fresh.content.querySelectorAll("[data-part]")) put(part.dataset.part, part.innerHTML, after);
}

/**
 * Follow a stream for ever. handlers: event name -> function of its data.
 * The element #lost says so while there is no line. A new version of the software reloads the page when idle() allows.
 */
export function follow(url, handlers, idle = () => true) {
  const lost = document.getElementById("lost");
  let source = null;
  let watchdog = 0;
  let saying = 0;

  function heard() {
    clearTimeout(saying);
    saying = 0;
    lost.hidden = true;
    lost.textContent = "";
    openAfter(BEATS_MISSED_MS);
  }

  function broke() {
    // The text is put in when it is needed: then a screen reader says it.
    saying ||= setTimeout(() => {
      lost.textContent = text("Connection to the box lost, reconnecting…");
      lost.hidden = false;
    }, SAY_LOST_MS);
    // A browser that got an answer it does not like gives up for good; we do not.
    if (source.readyState === EventSource.CLOSED) openAfter(AGAIN_MS);
  }

  function openAfter(pauseMs) {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      broke();
      open();
    }, pauseMs);
  }

  function open() {
    source?.close();
    source = new EventSource(url);
    source.onerror = broke;
    for (const [name, handler] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        heard();
        handler(event.data);
      });
    }
    source.addEventListener("beat", (event) => {
      heard();
      if (event.data.split(" ")[0] !== document.body.dataset.software && idle()) location.reload();
    });
    openAfter(BEATS_MISSED_MS);
  }

  open();
}

/** POST JSON; {ok, status, body} or, without an answer, null. */
export function post(path, body = {}) {
  return send("POST", path, body);
}

/** The same with another method. */
export async function send(method, path, body = {}) {
  try {
    const response = await fetch(path, {
      method,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(40000),
    });
    if (response.status === 401) location.assign("/login");
    return { ok: response.ok, status: response.status, body: await response.json() };
  } catch {
    return null;
  }
}
