// The set-up page: sends the form, says what went wrong beside it, and shows what comes next.
"use strict";

const form = document.querySelector("form");
const problem = document.querySelector("[role=alert]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  const button = form.querySelector("button");
  button.disabled = true;
  const fields = new FormData(form);
  const body = {
    token: location.hash.slice(1),
    name: fields.get("name"),
    email: fields.get("email") || null,
    password: fields.get("password"),
  };
  try {
    const response = await fetch(form.dataset.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (response.ok) {
      form.hidden = true;
      document.querySelector("#next").hidden = false;
      document.querySelector("#next h1").focus();
    } else {
      problem.textContent = (await response.json()).error.message;
    }
  } catch {
    problem.textContent = "The server did not answer. Is it still running?";
  }
  button.disabled = false;
});
