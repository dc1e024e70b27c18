// Keys that come before the page's own scripts do: a scanner does not wait for a page. No module, so that it runs first.

window.early = {
  keys: [],
  hold(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key.length > 1 && !/^(Enter|Escape|Delete|F([2-46-9]|10))$/.test(event.key)) return;
    event.preventDefault();
    window.early.keys.push((event.shiftKey && event.key.length > 1 ? "Shift+" : "") + event.key);
  },
  /** What was typed so far; from here on the page hears its keys itself. */
  take() {
    document.removeEventListener("keydown", window.early.hold, true);
    return window.early.keys.splice(0);
  },
};
document.addEventListener("keydown", window.early.hold, true);
