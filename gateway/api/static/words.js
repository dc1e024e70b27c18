// What the scripts say, in the language of the page. The messages are the keys: their English stands in the code.

import known from "/words.js";

/** The message in this language, its {facts} filled in. */
export function text(message, facts = {}) {
  return (known[message] ?? message).replaceAll(/\{(\w+)\}/g, (_, name) => String(facts[name] ?? ""));
}
