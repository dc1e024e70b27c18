// Whether somebody still stands here: asked after a minute without a touch or a scan, and told once nobody answers.

const ASK_AFTER_MS = 60000;
const GIVE_UP_AFTER_MS = 30000;

export class Presence {
  /** ask: nobody did anything for a while. gone: nobody answered either. It never ends a sale by itself. */
  constructor(ask, gone) {
    this.ask = ask;
    this.gone = gone;
    this.timer = 0;
    this.watching = false;
    for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, () => this.here(), true);
  }

  /** Watch, or do not: while a terminal or an attendant is at it nobody has to touch anything. */
  watch(is) {
    this.watching = is;
    this.here();
  }

  here() {
    clearTimeout(this.timer);
    if (!this.watching) return;
    this.timer = setTimeout(() => {
      this.ask();
      this.timer = setTimeout(() => this.gone(), GIVE_UP_AFTER_MS);
    }, ASK_AFTER_MS);
  }
}
