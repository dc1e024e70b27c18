// Keeps a page up to date from a stream of server-sent events, through every break of the line.

const BEATS_MISSED_MS = 16000;
const AGAIN_MS = 1000;
const SAY_LOST_MS = 300;

const shown = new Map();

/** Put each [data-part] of this HTML in the place of the old one; what did not change is left alone. */
export function swap(html, after = () => {}) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  for (const part of fresh.content.querySelectorAll("[data-part]")) {
    const name = part.dataset.part;
    const text = part.innerHTML;
    const old = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
    if (!old || shown.get(name) === text) continue;
    shown.set(name, text);
    for (const key of Object.keys(part.dataset)) old.dataset[key] = part.dataset[key];
    old.replaceChildren(...part.childNodes);
    after(name, old);
  }
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
    clearTimeout(watchdog);
    clearTimeout(saying);
    saying = 0;
    watchdog = setTimeout(open, BEATS_MISSED_MS);
    lost.hidden = true;
    lost.textContent = "";
  }

  function broke() {
    // The text is put in when it is needed: then a screen reader says it.
    saying ||= setTimeout(() => {
      lost.textContent = "Connection to the box lost, reconnecting…";
      lost.hidden = false;
    }, SAY_LOST_MS);
    if (source.readyState === EventSource.CLOSED) {
      clearTimeout(watchdog);
      watchdog = setTimeout(open, AGAIN_MS);
    }
  }

  function open() {
    if (source) {
      source.close();
      broke();
    }
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
    clearTimeout(watchdog);
    watchdog = setTimeout(open, BEATS_MISSED_MS);
  }

  open();
  addEventListener("pagehide", () => source.close());
}

/** POST JSON; {ok, status, body} or, without an answer, null. */
export async function post(path, body = {}) {
  try {
    const response = await fetch(path, {
      method: "POST",
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
