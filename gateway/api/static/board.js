// Letters and digits to touch, for a screen without a keyboard: they go into the field that had the focus last.

const ROWS = ["1234567890", "QWERTYUIOP", "ASDFGHJKL-", "ZXCVBNM"];

export class Board {
  /** place: the element it is drawn in. dialog: whose fields it types into. */
  constructor(place, dialog, { space, back }) {
    this.dialog = dialog;
    this.field = null;
    place.append(...ROWS.map((row) => line([...row].map((letter) => key(letter, letter.toLowerCase())))));
    place.lastChild.append(key("␣", " ", space), key("⌫", "back", back));
    dialog.addEventListener("focusin", (event) => {
      if (event.target.matches("input")) this.field = event.target;
    });
    // The field keeps the focus, and with it the place where it is typed.
    place.addEventListener("pointerdown", (event) => event.preventDefault());
    place.addEventListener("click", (event) => {
      const pressed = event.target.closest("[data-key]");
      if (pressed) this.type(pressed.dataset.key);
    });
  }

  type(what) {
    const field = this.field ?? this.dialog.querySelector("input");
    if (!field) return;
    if (what !== "back" && field.maxLength > 0 && field.value.length >= field.maxLength) return;
    field.value = what === "back" ? field.value.slice(0, -1) : field.value + what;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function line(keys) {
  const row = document.createElement("div");
  row.append(...keys);
  return row;
}

function key(shown, typed, name) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.key = typed;
  button.textContent = shown;
  if (name) button.setAttribute("aria-label", name);
  return button;
}
