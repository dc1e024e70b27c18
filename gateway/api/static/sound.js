// One short low beep for an error. A browser lets a page sound only after the first key or touch.

let context = null;

export function ready() {
  context ||= new AudioContext();
  if (context.state === "suspended") context.resume().catch(() => {});
}

export function beep() {
  if (!context) return;
  const now = context.currentTime;
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.type = "triangle";
  tone.frequency.value = 330;
  volume.gain.setValueAtTime(0.25, now);
  volume.gain.exponentialRampToValueAtTime(0.001, now + 0.22);
  tone.connect(volume).connect(context.destination);
  tone.start(now);
  tone.stop(now + 0.22);
}
