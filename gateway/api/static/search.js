// Items by part of their name: a list below the box, arrow keys and Enter, or a touch.

import { text } from "./words.js";

const WAIT_MS = 120;
const MOST = 8;

export class Search {
  /** pick: called with the item that was chosen. */
  constructor(box, list, pick) {
    this.box = box;
    this.list = list;
    this.pick = pick;
    this.items = [];
    this.at = -1;
    this.asked = 0;
    this.timer = 0;
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(Number(option.dataset.at));
    });
  }

  /** Search for what is in the box now, if it holds a letter; numbers are codes. */
  typed() {
    clearTimeout(this.timer);
    const words = this.box.value.trim();
    if (!/\p{L}/u.test(words)) return this.close();
    this.timer = setTimeout(() => this.ask(words), WAIT_MS);
  }

  async ask(words) {
    const asked = ++this.asked;
    let items = [];
    try {
      const response = await fetch(`/v1/items?limit=${MOST}&q=${encodeURIComponent(words)}`);
      if (response.ok) items = (await response.json()).items;
    } catch {
      // Without the box there is nothing to find; the page already says that its line is lost.
    }
    // An answer to what was in the box before is of no use.
    if (asked === this.asked && words === this.box.value.trim()) this.show(items);
  }

  show(items) {
    this.items = items;
    this.at = -1;
    this.list.replaceChildren(...items.map(option));
    this.open(items.length > 0);
  }

  open(is) {
    this.list.hidden = !is;
    this.box.setAttribute("aria-expanded", String(is));
    if (!is) this.box.removeAttribute("aria-activedescendant");
  }

  close() {
    clearTimeout(this.timer);
    this.asked++;
    this.show([]);
  }

  /** Move by one, round the ends. True if there was a list to move in. */
  move(step) {
    const many = this.items.length;
    if (!many) return false;
    this.at = this.at < 0 ? (step > 0 ? 0 : many - 1) : (this.at + step + many) % many;
    for (const [index, one] of [...this.list.children].entries()) {
      one.setAttribute("aria-selected", String(index === this.at));
    }
    const chosen = this.list.children[this.at];
    this.box.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
    return true;
  }

  /** Take the marked item; true if one was marked. */
  enter() {
    if (this.at < 0) return false;
    this.choose(this.at);
    return true;
  }

  choose(at) {
    const item = this.items[at];
    this.close();
    this.pick(item);
  }
}

function option(item, at) {
  const one = document.createElement("li");
  one.id = `match-${at}`;
  one.dataset.at = String(at);
  one.setAttribute("role", "option");
  one.setAttribute("aria-selected", "false");
  one.append(piece("b", item.description), piece("span", item.item_id), piece("span", item.price || text("no price")));
  return one;
}

function piece(tag, words) {
  const element = document.createElement(tag);
  element.textContent = words;
  return element;
}
