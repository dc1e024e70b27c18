// A panel over the cashier's screen: drawn by the box, its forms sent as JSON to the local API.
//
// data-post, data-delete: where a form goes; data-show: the panel that it asks for with what was typed. data-then: the panel that follows; else the panel closes when all went well.
// data-as of a field: minor (an amount in the currency), int, flag (a checkbox), json; else it is text, and left out
// where it is empty. data-panel: a button that opens another panel. data-key: the key that presses a button; with
// data-alone only a key that comes by itself, for a scanner in keyboard mode types letters too. data-first: what has the
// keyboard in place of a field or a button.

import { amount } from "./entry.js";
import { send as request } from "./live.js";
import { refusal, text } from "./words.js";

/** What a refusal says that somebody else's word mends. */
const WORD_NEEDED = "needs_authority";
/** Keys closer together than this were typed by a scanner. */
const SCANNER_TYPES_MS = 30;
/** These press their button also where something is being typed. */
const FUNCTION_KEY = /^F\d+$/;

export class Panel {
  /** at: where panels are asked for. closed: called when the screen has the keyboard again. */
  constructor(dialog, at, currency, decimals, closed) {
    Object.assign(this, { dialog, at, currency, decimals, closed, waiting: null, loading: false, held: [] });
    Object.assign(this, { name: "", lastKeyAt: -SCANNER_TYPES_MS, alone: 0, drawn: 0 });
    dialog.addEventListener("submit", (event) => this.submit(event));
    dialog.addEventListener("click", (event) => this.clicked(event));
    dialog.addEventListener("keydown", (event) => this.keyed(event));
    dialog.addEventListener("close", () => closed());
  }

  get open() {
    return this.dialog.open;
  }

  /** Show the panel of that name; `name?key=value` asks for a certain one. What is typed meanwhile is for it. */
  async show(name) {
    this.loading = true;
    const html = await this.fetched(name);
    this.loading = false;
    const held = this.held.splice(0);
    if (!html) return false;
    this.name = name.split("?")[0];
    this.drawn++;
    this.dialog.innerHTML = html;
    if (!this.dialog.open) this.dialog.showModal();
    this.first()?.focus();
    this.explain();
    const typedOn = held.length > 1;
    for (const key of held) this.loading ? this.held.push(key) : this.type(key, typedOn);
    return true;
  }

  async fetched(name) {
    try {
      const response = await fetch(`${this.at}/panel/${name}`);
      return response.ok ? await response.text() : "";
    } catch {
      return ""; // Without the box there is no panel, and the page says that its line is lost.
    }
  }

  /** A key that came before the panel did: true if it is kept for it. */
  hold(key) {
    if (!this.loading) return false;
    this.held.push(key);
    return true;
  }

  /** typedOn: it did not come alone. */
  type(key, typedOn = false) {
    const field = document.activeElement;
    if (key === "Escape") return this.close();
    if (!field?.matches("input") || FUNCTION_KEY.test(key)) return typedOn && this.named(key)?.hasAttribute("data-alone") ? null : this.press(key);
    if (key === "Enter") return field.form?.requestSubmit();
    if (key.length === 1) field.value += key;
  }

  named(key) {
    return [...this.dialog.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);
  }

  /** Press, once it is certain that the key came alone. */
  pressAlone(button, at) {
    clearTimeout(this.alone);
    const sole = at - this.lastKeyAt > SCANNER_TYPES_MS;
    this.lastKeyAt = at;
    if (sole && button) this.alone = setTimeout(() => button.click(), SCANNER_TYPES_MS);
  }

  /** The button of that key; Enter is the one that has the keyboard. */
  press(key) {
    const button = this.named(key) ?? (key === "Enter" && this.dialog.contains(document.activeElement) ? document.activeElement : null);
    button?.click();
    return Boolean(button);
  }

  /** What has the keyboard first: a field that is on show, or the first choice. */
  first() {
    const fields = [...this.dialog.querySelectorAll("input:not([type=hidden])")];
    const said = this.dialog.querySelector("[data-first]");
    return said ?? fields.find((one) => one.offsetParent) ?? this.dialog.querySelector(".choices button, .main, summary");
  }

  close() {
    this.dialog.close();
  }

  /** A command was refused for lack of rights: ask whose word it is, and send it again with that. */
  async authorise(method, path, body, why) {
    this.waiting = { method, path, body };
    if (!(await this.show("authority"))) return;
    this.dialog.querySelector("[data-why]").textContent = why;
  }

  // --- forms --------------------------------------------------------------------------------------------------------

  async submit(event) {
    event.preventDefault();
    const form = event.target;
    const typed = this.read(form);
    if (typed.fault) return this.fault(typed.fault, typed.field);
    if (form.dataset.show) return this.show(`${form.dataset.show}?${new URLSearchParams(typed.body)}`);
    const again = form.hasAttribute("data-again") ? this.waiting : null;
    const path = again?.path ?? form.dataset.post ?? form.dataset.delete;
    const method = again?.method ?? (form.dataset.delete ? "DELETE" : "POST");
    const body = again ? { ...again.body, ...typed.body } : typed.body;
    await this.send(method, path, body, form.dataset.then ?? again?.then);
  }

  async send(method, path, body, then) {
    const buttons = [...this.dialog.querySelectorAll("button")];
    const drawn = this.drawn;
    for (const button of buttons) button.disabled = true;
    const answer = await request(method, path, body);
    for (const button of buttons) button.disabled = false;
    if (!answer) return this.fault(text("No answer from the box: look at the lines before you do it again"));
    // What follows from it may be on show already: that stays.
    if (answer.ok) return then ? this.show(then) : drawn === this.drawn && this.close();
    if (answer.body.reason === WORD_NEEDED && !body.authorisation) {
      await this.authorise(method, path, body, refusal(answer.body));
      this.waiting.then = then;
      return;
    }
    this.fault(refusal(answer.body));
  }

  /** {body} of a form, or {fault, field} of what cannot be read. */
  read(form) {
    const body = {};
    for (const field of form.elements) {
      if (!field.name || field.disabled) continue;
      const value = field.type === "checkbox" ? field.checked : field.value.trim();
      const read = this.value(field.dataset.as, value);
      if (read.fault) return { fault: read.fault, field };
      if (read.value !== undefined) put(body, field.name.split("."), read.value);
    }
    return { body };
  }

  value(as, value) {
    if (as === "flag") return { value: value || undefined };
    if (value === "") return {};
    if (as === "json") return { value: JSON.parse(value) };
    if (as === "int") {
      return /^\d{1,9}$/.test(value) ? { value: Number(value) } : { fault: text("{typed} is no whole number", { typed: value }) };
    }
    if (as === "minor") {
      const read = amount(value, this.currency, this.decimals);
      return read.fault ? { fault: read.fault } : { value: read.minor };
    }
    return { value };
  }

  fault(words, field) {
    const place = this.dialog.querySelector("[data-fault]");
    place.textContent = words;
    place.hidden = false;
    (field ?? this.first())?.focus();
    field?.select?.();
  }

  // --- keys and touches ---------------------------------------------------------------------------------------------

  clicked(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.hasAttribute("data-close")) this.close();
    else if (button.dataset.panel) this.show(button.dataset.panel);
  }

  /** The keys of a panel's buttons; letters and digits only where nothing is being typed. */
  keyed(event) {
    event.stopPropagation();
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (this.hold(event.key)) return event.preventDefault();
    const typing = event.target.matches("input") && !FUNCTION_KEY.test(event.key);
    const named = typing ? null : this.named(event.key);
    const alone = named?.hasAttribute("data-alone") ? named : null;
    this.pressAlone(alone, event.timeStamp);
    if (alone) return event.preventDefault();
    if (!typing && event.key !== "Enter" && this.press(event.key)) event.preventDefault();
  }

  /** Why a line costs what it costs, in words; where the box does not say, the figures above stand alone. */
  async explain() {
    const place = this.dialog.querySelector("[data-explanation]");
    if (!place) return;
    try {
      const response = await fetch(place.dataset.explanation);
      if (!response.ok) return;
      const said = await response.json();
      place.append(...(said.sentences ?? []).map(paragraph));
    } catch {
      // The figures stand.
    }
  }
}

function paragraph(words) {
  const element = document.createElement("p");
  element.textContent = words;
  return element;
}

function put(body, [name, ...rest], value) {
  if (!rest.length) body[name] = value;
  else put((body[name] ??= {}), rest, value);
}
