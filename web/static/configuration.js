// The configuration: a look at what would change, and putting it in force. Texts reach the page by textContent only.
"use strict";

(() => {
  const LOOK_EVERY_MS = 15000; // a reload may be asked for elsewhere too
  const LANGUAGE = document.documentElement.lang;
  const byId = (id) => document.getElementById(id);
  const panel = document.querySelector("#configuration .panel");
  const asking = [...panel.querySelectorAll("[data-ask]")];
  let asked = null; // the button that was pressed
  let look = null; // what it was answered

  async function ask(path, body) {
    const request = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(`/configuration${path}?lang=${LANGUAGE}`, request || {});
    const said = await answer.json();
    if (!answer.ok) throw new Refused(said.error);
    return said;
  }

  class Refused extends Error {} // by the desk or the engine: the text is for people

  function say(text, tone = "") {
    byId("outcome").dataset.tone = tone;
    byId("outcome").textContent = text;
  }

  function sayFailure(error, unheard) {
    if (error instanceof Refused) say(`${panel.dataset.failed}. ${error.message}`, "bad");
    else say(unheard || `${panel.dataset.failed}.`, "bad");
  }

  function setBusy(busy) {
    panel.setAttribute("aria-busy", String(busy));
    for (const button of panel.querySelectorAll("button")) button.disabled = busy;
  }

  function showDifference(text) {
    const kinds = [[/^(---|\+\+\+|@@)/, "file"], [/^\+/, "more"], [/^-/, "less"]];
    const lines = text.match(/[^\n]*\n|[^\n]+/g) || [];
    byId("difference").replaceChildren(
      ...lines.map((line) => {
        const shown = document.createElement("span");
        shown.textContent = line;
        shown.className = kinds.find(([mark]) => mark.test(line))?.[1] || "";
        return shown;
      }),
    );
  }

  function show({ title, problems = [], difference, do: doing = "", may = false, can_load: canLoad = true }) {
    byId("proposal-title").textContent = title;
    byId("proposal").dataset.tone = canLoad ? "" : "bad";
    byId("confirm").textContent = doing;
    byId("confirm").hidden = !may;
    byId("cancel").textContent = may ? panel.dataset.cancel : panel.dataset.close;
    byId("problems").replaceChildren(
      ...problems.map((problem) => Object.assign(document.createElement("li"), { textContent: problem })),
    );
    showDifference(difference);
    byId("proposal").hidden = false;
  }

  async function propose(button) {
    asked = button;
    byId("proposal").hidden = true;
    say(panel.dataset.looking);
    setBusy(true);
    try {
      look = await ask(`/${button.dataset.ask}`);
      say("");
      show(look);
      byId("proposal-title").focus();
    } catch (error) {
      sayFailure(error);
    }
    setBusy(false);
    if (byId("proposal").hidden) button.focus();
  }

  async function confirm() {
    byId("proposal").hidden = true;
    say(panel.dataset.loading);
    setBusy(true);
    try {
      const done = await ask(`/${asked.dataset.ask}`, { seen: look.seen, ...(look.number && { number: look.number }) });
      say(done.said);
      if (done.difference) show(done);
    } catch (error) {
      sayFailure(error, panel.dataset.unheard);
    }
    setBusy(false);
    byId("outcome").focus();
    await refresh();
  }

  function cancel() {
    byId("proposal").hidden = true;
    say("");
    asked.focus();
  }

  async function refresh() {
    try {
      const now = await ask("");
      if (byId("in-force").textContent !== now.in_force) byId("in-force").textContent = now.in_force;
      panel.querySelector('[data-ask="rollback"]').hidden = !now.can_go_back;
      byId("history").replaceChildren(
        ...now.history.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
      );
    } catch {
      // the page says elsewhere that the desk cannot be reached
    }
  }

  for (const button of asking) button.addEventListener("click", () => propose(button));
  byId("confirm").addEventListener("click", confirm);
  byId("cancel").addEventListener("click", cancel);
  byId("proposal").addEventListener("keydown", (event) => event.key === "Escape" && cancel());
  byId("changing").hidden = false; // without a script there is nothing to press
  setInterval(() => document.hidden || refresh(), LOOK_EVERY_MS);
})();
