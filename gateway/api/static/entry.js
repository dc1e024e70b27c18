// What a cashier typed, read strictly: an amount, a quantity or a code. Never a guess, never a float.

/** {minor} or {fault}. decimals: those of the currency's minor unit. */
export function amount(text, currency, decimals) {
  const found = /^(\d*)(?:[.,](\d+))?$/.exec(text);
  if (!found || (!found[1] && !found[2])) {
    const example = decimals ? "20 or 20.50" : "100";
    return { fault: `${text} is no amount: key the cash received, such as ${example}` };
  }
  const [, whole, fraction = ""] = found;
  if (fraction.length > decimals) {
    const places = decimals ? `${decimals} decimals` : "no decimals";
    return { fault: `${text}: ${currency} has ${places}; key the amount again` };
  }
  if (whole.length > 9) return { fault: `${text} is far too much cash; was a bar code keyed? Press Enter to ring it` };
  // Digits are put together as text, so that nothing is rounded.
  return { minor: Number(whole + fraction.padEnd(decimals, "0")) };
}

/** {pieces, code} of `3x`, `3*`, `3x1001`; null where it is no quantity. A capital X inside belongs to a code. */
export function quantity(text) {
  const found = /^(\d{1,4})(?:[x*×](.*)|X)$/.exec(text);
  return found && { pieces: Number(found[1]), code: (found[2] || "").trim() };
}
