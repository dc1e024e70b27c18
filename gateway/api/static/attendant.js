// An attendant at a self-checkout: operator and PIN, and the one thing that waits for him. A PIN does not stay on the page.

import { send } from "./live.js";
import { text } from "./words.js";

export class Attendant {
  /** base: of this lane's operations. */
  constructor(dialog, base) {
    Object.assign(this, { dialog, base, waiting: null });
    this.form = dialog.querySelector("form");
    this.fault = dialog.querySelector(".notice");
    dialog.addEventListener("close", () => this.clear());
    dialog.addEventListener("click", (event) => {
      const answer = event.target.closest("[data-answer]")?.dataset.answer;
      if (answer) this.answer(answer);
      else if (event.target.closest("[data-do=allow]")) this.allow();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      dialog.querySelector(".answers:not([hidden]) .main")?.click();
    });
  }

  open() {
    this.waiting = null;
    this.show();
  }

  /** A command that takes an attendant's word: {path, body} is sent again with it. */
  authorise(waiting, why) {
    this.waiting = waiting;
    this.show(why);
  }

  show(why = "") {
    const asked = this.dialog.querySelector("#asked");
    asked.textContent = why;
    asked.hidden = !why;
    this.dialog.querySelector("#allow").hidden = !this.waiting;
    this.dialog.querySelector("[data-part=attendant]").hidden = Boolean(this.waiting);
    this.form.querySelector(".why").hidden = !this.dialog.querySelector("[data-answer=paid]");
    if (!this.dialog.open) this.dialog.showModal();
    this.form.elements.operator_id.focus();
  }

  clear() {
    this.form.reset();
    this.say("");
    this.waiting = null;
  }

  say(words) {
    this.fault.textContent = words;
    this.fault.hidden = !words;
  }

  word() {
    const { operator_id, pin } = this.form.elements;
    return { operator_id: operator_id.value.trim(), pin: pin.value.trim() };
  }

  async allow() {
    const { path, body } = this.waiting;
    if (await this.sent(path, { ...body, authorisation: this.word() })) this.dialog.close();
  }

  async answer(answer) {
    const authorisation = this.word();
    const steps = {
      seen: [["attend", { authorisation, accept_bag: true }]],
      again: [["attend", { authorisation, accept_bag: false }]],
      old: [["confirm-age", { authorisation, confirmed: true }], ["attend", { authorisation }]],
      young: [["confirm-age", { authorisation, confirmed: false }], ["attend", { authorisation }]],
      // The call is answered first: that proves who decides.
      paid: [["attend", { authorisation }], ["decide-payment", this.decision(true)]],
      unpaid: [["attend", { authorisation }], ["decide-payment", this.decision(false)]],
    }[answer];
    for (const [path, body] of steps) {
      if (!(await this.sent(path, body))) return;
    }
    this.dialog.close();
  }

  decision(paid) {
    return { paid, who: this.word().operator_id, why: this.form.elements.why.value.trim() };
  }

  /** True when it is done; what was not called for any more is done too, but for a payment somebody must have called. */
  async sent(path, body) {
    if (path === "decide-payment" && body.why.length < 3) {
      this.say(text("Say what the terminal or its slip shows"));
      return false;
    }
    const answer = await send("POST", `${this.base}/${path}`, body);
    if (!answer) this.say(text("No answer from the box. Please try again."));
    else if (!answer.ok && answer.body.reason === "no_call") return !this.dialog.querySelector("[data-answer=paid]");
    else if (!answer.ok) this.say(answer.body.detail);
    return Boolean(answer?.ok);
  }
}
