// What the scripts say, in the language of the page. The messages are the keys: their English stands in the code.

const { default: known, refusals } = await import(
  `/words.js?language=${encodeURIComponent(document.documentElement.lang)}`
);

/** The message in this language, its {facts} filled in. */
export function text(message, facts = {}) {
  return (known[message] ?? message).replaceAll(/\{(\w+)\}/g, (_, name) => String(facts[name] ?? ""));
}

/** A refusal of the box: in this language what it is about, in brackets which. */
export function refusal(problem) {
  const said = refusals[problem.reason];
  return said ? `${said} (${problem.detail})` : problem.detail;
}
