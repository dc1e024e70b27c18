// Programs of the shop on the technician's page: a code for a new one, an end for an old one.

import { post } from "./live.js";

const form = document.getElementById("pair");
const output = document.getElementById("code");
let ends = 0;

function say(text, good) {
  clearInterval(ends);
  output.className = good ? "good" : "bad";
  output.textContent = text;
}

/** The code, large, until it ends. */
function show({ code, name, lives_s: lives }) {
  const until = performance.now() + lives * 1000;
  const spaced = `${code.slice(0, 4)} ${code.slice(4)}`;
  const tell = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    if (left <= 0) return say("The code has ended; show another.", false);
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    output.querySelector("small").textContent = ` holds ${clock} longer, once`;
  };
  say("", true);
  const digits = document.createElement("b");
  digits.textContent = spaced;
  output.append(`Type into ${name}: `, digits, document.createElement("small"));
  tell();
  ends = setInterval(tell, 1000);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const data = new FormData(form);
  const answer = await post("/v1/applications/codes", { name: data.get("name").trim(), scopes: ["read", ...data.getAll("scope")] });
  if (!answer) say("No answer from the box; try again.", false);
  else if (answer.ok) show(answer.body);
  else say(answer.body.detail, false);
});

document.querySelector(".programs").addEventListener("click", async (event) => {
  const id = event.target.dataset?.revoke;
  if (!id) return;
  // The first click asks, the second does it: a program that sells stops at once.
  if (event.target.dataset.sure !== "yes") {
    event.target.dataset.sure = "yes";
    event.target.textContent = `Really end ${event.target.dataset.name}?`;
    return;
  }
  const answer = await post(`/v1/applications/${encodeURIComponent(id)}/revoke`);
  say(answer?.ok ? `${answer.body.name} may no longer speak to this box.` : "It was not revoked; try again.", Boolean(answer?.ok));
});
