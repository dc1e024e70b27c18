// Articles without a bar code: found by part of their name or their number; goods by weight stand there at once.

import { text } from "./words.js";

const WAIT_MS = 150;
const MOST = 24;

export class Find {
  /** ring: puts an item into the sale, {ok, why}. */
  constructor(dialog, scale, ring) {
    Object.assign(this, { dialog, scale, ring, asked: 0, timer: 0, items: [], chosen: null });
    this.box = dialog.querySelector("input");
    this.list = dialog.querySelector(".found");
    this.box.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(), WAIT_MS);
    });
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.items.length === 1) this.choose(this.items[0]);
    });
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-at]");
      if (button) this.choose(this.items[Number(button.dataset.at)]);
    });
  }

  open() {
    this.box.value = "";
    this.show([]);
    this.dialog.showModal();
    this.box.focus();
    this.search();
  }

  async search() {
    const asked = ++this.asked;
    const words = this.box.value.trim();
    const found = await this.found(words);
    if (asked === this.asked) this.show(found, words);
  }

  /** Without words the goods that are weighed, for they have no bar code; a number is that of one article. */
  async found(words) {
    try {
      const which = words ? `q=${encodeURIComponent(words)}` : "unit=kg";
      const response = await fetch(`/v1/items?limit=${MOST}&${which}`);
      const items = response.ok ? (await response.json()).items : [];
      if (items.length || !/^\d+$/.test(words)) return items;
      const one = await fetch(`/v1/items/${words}`);
      return one.ok ? [await one.json()] : [];
    } catch {
      return []; // The page says that its line is lost.
    }
  }

  show(items, words = "") {
    this.items = items;
    this.list.replaceChildren(...items.map(choice));
    if (!items.length && words) {
      const none = document.createElement("li");
      none.textContent = text("Nothing of that name");
      this.list.append(none);
    }
  }

  async choose(item) {
    this.chosen = item;
    this.dialog.close();
    if (item.unit !== "kg") return this.ring(item);
    this.scale.querySelector("h2").textContent = item.description;
    this.say("");
    this.scale.showModal();
  }

  async weigh() {
    const button = this.scale.querySelector(".main");
    button.disabled = true;
    const { ok, why } = await this.ring(this.chosen);
    button.disabled = false;
    if (ok) this.scale.close();
    else this.say(why);
  }

  say(words) {
    const fault = this.scale.querySelector(".notice");
    fault.textContent = words;
    fault.hidden = !words;
  }
}

function choice(item, at) {
  const row = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.at = String(at);
  button.disabled = !item.price;
  const name = document.createElement("b");
  name.textContent = item.description;
  const price = document.createElement("span");
  price.textContent = item.price || text("no price");
  button.append(name, price);
  row.append(button);
  return row;
}
