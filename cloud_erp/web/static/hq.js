// Headquarters' pages: tables that sort, parts that renew themselves, times that stay true. No library.
"use strict";

const sorted = new Map(); // table id -> {column, direction}; kept while the live part renews itself

function cellValue(row, column) {
  const cell = row.cells[column];
  const text = (cell.dataset.value ?? cell.textContent).trim();
  const number = Number(text);
  return text !== "" && !Number.isNaN(number) ? number : text;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

function sortTable(table, column, direction) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  rows.sort((a, b) => direction * compare(cellValue(a, column), cellValue(b, column)));
  body.append(...rows);
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    if (place === column) head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  });
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.id = `${table.id}-sort-${column}`;
    button.textContent = head.textContent;
    button.addEventListener("click", () => {
      const before = sorted.get(table.id);
      const direction = before && before.column === column ? -before.direction : 1;
      sorted.set(table.id, { column, direction });
      sortTable(table, column, direction);
    });
    head.replaceChildren(button);
  });
  const kept = sorted.get(table.id);
  if (kept) sortTable(table, kept.column, kept.direction);
}

function prepare(root) {
  root.querySelectorAll("table[data-sortable]").forEach(makeSortable);
  tellTimes();
}

function age(seconds) {
  for (const [size, least, word] of [[86400, 2, "days"], [3600, 1, "h"], [60, 1, "min"]]) {
    if (seconds >= size * least) return `${Math.floor(seconds / size)} ${word}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

function tellTimes() {
  const now = Date.now();
  document.querySelectorAll("time[data-ago]").forEach((time) => {
    const text = `${age((now - Date.parse(time.dataset.ago)) / 1000)} ago`;
    if (time.textContent !== text) time.textContent = text;
  });
}

// The new part in place of the old one; what a reader had opened, focused or scrolled stays as it was.
function swap(live, html) {
  const known = new Set([...live.querySelectorAll("[data-key]")].map((row) => row.dataset.key));
  const open = [...live.querySelectorAll("details[open]")].map((part) => part.id);
  const focused = live.contains(document.activeElement) ? document.activeElement : null;
  const focusKey = focused && (focused.id ? `#${CSS.escape(focused.id)}` : `a[href="${CSS.escape(focused.getAttribute("href") || "")}"]`);
  const scrolls = [...live.querySelectorAll(".scroll")].map((part) => part.scrollLeft);
  const part = new DOMParser().parseFromString(html, "text/html");
  const day = live.querySelector("[data-day]")?.dataset.day;
  if (day !== part.querySelector("[data-day]")?.dataset.day) { location.reload(); return; } // midnight passed
  live.replaceChildren(...part.body.childNodes);
  prepare(live);
  live.querySelectorAll("[data-key]").forEach((row) => {
    if (known.size && !known.has(row.dataset.key)) row.classList.add("fresh");
  });
  open.forEach((id) => { const part = document.getElementById(id); if (part) part.open = true; });
  live.querySelectorAll(".scroll").forEach((part, place) => { part.scrollLeft = scrolls[place] || 0; });
  if (focusKey) live.querySelector(focusKey)?.focus({ preventScroll: true });
}

function follow(live) {
  const link = document.getElementById("link");
  let busy = false, again = false;

  async function renew() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const address = new URL(location.href);
      address.searchParams.set("part", "live");
      const answer = await fetch(address, { credentials: "same-origin" });
      if (answer.redirected) { location.reload(); return; } // the session ended
      if (answer.ok) swap(live, await answer.text());
    } catch {
      again = false; // the stream reconnects by itself, and then asks again
    }
    setTimeout(() => { busy = false; if (again) { again = false; renew(); } }, 200);
  }

  // A browser opens only six connections to one address, so a tab that nobody sees gives its own back.
  let source = null;
  function close() {
    if (source) source.close();
    source = null;
  }
  function open() {
    if (source || document.hidden) return;
    source = new EventSource(live.dataset.events);
    // The first word after each connection says what stands now, and the page may be older than that.
    source.addEventListener("change", renew);
    source.onopen = () => { link.hidden = false; link.className = ""; link.textContent = "live"; };
    source.onerror = () => { link.hidden = false; link.className = "away"; link.textContent = "reconnecting"; };
  }
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  open();
}

prepare(document);
setInterval(tellTimes, 1000);
const live = document.getElementById("live");
if (live && live.dataset.events) follow(live);
