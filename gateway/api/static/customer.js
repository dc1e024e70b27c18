// The screen that faces the customer: it follows the sale of its workstation and takes no commands.

import { follow, swap } from "./live.js";

const { workstation } = document.body.dataset;
/** So long a customer reads the thanks and the change before the screen is the store's again. */
const THANKS_MS = 20000;
let thanks = 0;

function swapped(part, element) {
  if (part === "stage") show(element.querySelector("[data-stage]").dataset.stage);
  if (part === "lines") element.scrollTop = element.scrollHeight;
}

function show(stage) {
  clearTimeout(thanks);
  document.body.dataset.stage = stage;
  if (stage === "thanks") thanks = setTimeout(() => show("idle"), THANKS_MS);
}

swap(document.getElementById("first").innerHTML, swapped);
const language = `language=${encodeURIComponent(document.documentElement.lang)}`;
follow(`/customer/${encodeURIComponent(workstation)}/events?${language}`, { basket: (html) => swap(html, swapped) });
