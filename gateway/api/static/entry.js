// What a cashier typed, read strictly: an amount, a quantity or a code. Never a guess, never a float.

import { text } from "./words.js";

/** {minor} or {fault}. decimals: those of the currency's minor unit. */
export function amount(typed, currency, decimals) {
  const found = /^(\d*)(?:[.,](\d+))?$/.exec(typed);
  if (!found || (!found[1] && !found[2])) {
    const example = decimals ? "20, 20.50" : "100";
    return { fault: text("{typed} is no amount: key the cash received, such as {example}", { typed, example }) };
  }
  const [, whole, fraction = ""] = found;
  if (fraction.length > decimals) {
    return { fault: text("{typed}: {currency} has {decimals} decimals; key the amount again", { typed, currency, decimals }) };
  }
  if (whole.length > 9) return { fault: text("{typed} is far too much cash; was a bar code keyed? Press Enter to ring it", { typed }) };
  // Digits are put together as text, so that nothing is rounded.
  return { minor: Number(whole + fraction.padEnd(decimals, "0")) };
}

/** {pieces, code} of `3x`, `3*`, `3x1001`; null where it is no quantity. A capital X inside belongs to a code. */
export function quantity(typed) {
  const found = /^(\d{1,4})(?:[x*×](.*)|X)$/.exec(typed);
  return found && { pieces: Number(found[1]), code: (found[2] || "").trim() };
}
