// The set-up page: sends the form, says what went wrong beside it, and shows what comes next. Its words come with the page.
"use strict";

const form = document.querySelector("form");
const problem = document.querySelector("[role=alert]");
const said = JSON.parse(form.dataset.problems);

function tell(text) {
  problem.textContent = text;
}

function welcome(name) {
  history.replaceState(null, "", location.pathname);
  const next = document.querySelector("#next");
  const commands = next.querySelector("pre");
  commands.textContent = commands.textContent.replace("NAME", () => (/^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`));
  form.hidden = true;
  next.hidden = false;
  next.querySelector("h1").focus();
}

async function send() {
  const fields = new FormData(form);
  const body = { token: location.hash.slice(1), name: fields.get("name"), email: fields.get("email") || null, password: fields.get("password") };
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(form.dataset.action, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (response.ok) {
    welcome(answer.name);
  } else {
    tell(said[answer.error.code] ?? answer.error.message);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  tell("");
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await send();
  } catch {
    tell(form.dataset.noAnswer);
  }
  button.disabled = false;
});

if (location.hash.length < 2) {
  tell(form.dataset.noLink);
}
