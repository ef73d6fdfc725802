// Keeps the page of now up to date from /live. Data reaches the page as text only (textContent), never as markup.
"use strict";

const SILENCE_MS = 25000; // the desk says something at least every 10 s
const RETRY_MS = 2000;
const SPOKEN_EVERY_MS = 20000; // a screen reader must not be talked to without a pause
const LANGUAGE = document.documentElement.lang;

const byId = (id) => document.getElementById(id);
let clockAheadS = 0; // the engine's clock against the browser's
let source = null;
let heardAtMs = Date.now();
let spokenAtMs = 0;

const nowS = () => Date.now() / 1000 + clockAheadS;

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function setText(node, text) {
  const said = String(text);
  if (node.textContent !== said) node.textContent = said;
}

function fill(node, row) {
  for (const cell of node.querySelectorAll("[data-f]")) if (cell.dataset.f in row) setText(cell, row[cell.dataset.f]);
  for (const cell of node.querySelectorAll("[data-tick]")) cell.dataset.since = row[cell.dataset.tick] ?? "";
  for (const cell of node.querySelectorAll("[data-left]")) cell.dataset.until = row[cell.dataset.left] ?? "";
  for (const cell of node.querySelectorAll("[data-tone-of]")) cell.dataset.tone = row[cell.dataset.toneOf];
}

function fillRow(tr, row) {
  tr.dataset.id = row.id;
  tr.dataset.tone = row.tone;
  if ("late_after_s" in row) tr.dataset.lateAfter = row.late_after_s;
  fill(tr, row);
}

const copyOf = (id) => byId(id).content.firstElementChild.cloneNode(true);
const rowWith = (root, id) => [...root.querySelectorAll("tbody tr")].find((tr) => tr.dataset.id === id);

function putRow(root, body, template, row) {
  let tr = rowWith(root, row.id);
  if (!tr || tr.parentNode !== body) {
    if (tr) tr.remove(); // an agent who moved to another site
    tr = body.appendChild(copyOf(template));
  }
  fillRow(tr, row);
}

function bodyOfSite(site) {
  let section = [...byId("sites").children].find((one) => one.dataset.site === site);
  if (!section) {
    section = byId("sites").appendChild(copyOf("site-section"));
    section.dataset.site = site;
    fill(section, { site });
  }
  return section.querySelector("tbody");
}

function putRows(rows) {
  for (const table of ["queues", "calls"]) {
    const body = byId(table).querySelector("tbody");
    for (const row of rows[table]) putRow(body, body, table === "queues" ? "queue-row" : "call-row", row);
  }
  for (const row of rows.agents) putRow(byId("sites"), bodyOfSite(row.site), "agent-row", row);
}

function dropRows(root, gone) {
  for (const id of gone) rowWith(root, id)?.remove();
}

function putSummary(summary) {
  fill(byId("figures"), summary);
  fill(byId("health"), summary);
  byId("health").dataset.canAnswer = summary.can_answer ? "yes" : "no";
  fill(byId("why-not"), summary);
  byId("why-not").hidden = summary.can_answer;
  setText(byId("calls-count"), byId("calls").querySelectorAll("tbody tr").length);
  if (Date.now() - spokenAtMs > SPOKEN_EVERY_MS) {
    spokenAtMs = Date.now();
    setText(byId("spoken"), summary.spoken);
  }
}

function tick() {
  for (const cell of document.querySelectorAll("[data-tick]")) {
    const sinceS = cell.dataset.since;
    setText(cell, sinceS === "" ? "–" : clock(nowS() - Number(sinceS)));
  }
  for (const cell of document.querySelectorAll("[data-left]")) {
    const untilS = cell.dataset.until;
    cell.parentElement.hidden = untilS === "";
    setText(cell, untilS === "" ? "" : clock(Number(untilS) - nowS()));
  }
  for (const tr of byId("queues").querySelectorAll("tbody tr")) {
    const sinceS = tr.querySelector("[data-tick]").dataset.since;
    tr.classList.toggle("late", sinceS !== "" && nowS() - Number(sinceS) > Number(tr.dataset.lateAfter));
  }
}

const on = {
  whole(said) {
    clockAheadS = said.now - Date.now() / 1000;
    const here = { queues: new Set(), agents: new Set(), calls: new Set() };
    for (const table of Object.keys(here)) for (const row of said[table]) here[table].add(row.id);
    for (const [table, ids] of Object.entries(here))
      for (const tr of byId(table).querySelectorAll("tbody tr")) if (!ids.has(tr.dataset.id)) tr.remove();
    putRows(said);
    for (const section of [...byId("sites").children]) if (!section.querySelector("tbody tr")) section.remove();
    byId("engine-away").hidden = true;
    document.body.classList.remove("stale");
    putSummary(said.summary);
  },
  changed(said) {
    clockAheadS = said.now - Date.now() / 1000;
    putRows(said);
    for (const [table, gone] of Object.entries(said.gone)) dropRows(byId(table), gone);
    putSummary(said.summary);
  },
  away(said) {
    fill(byId("engine-away"), said);
    byId("engine-away").hidden = false;
    byId("why-not").hidden = true;
    byId("health").dataset.canAnswer = "no";
    setText(byId("health").querySelector("[data-f]"), byId("health").dataset.canNot);
    document.body.classList.add("stale");
  },
  beat() {},
};

function listen() {
  heardAtMs = Date.now();
  source = new EventSource(`/live?lang=${LANGUAGE}`);
  for (const [name, act] of Object.entries(on))
    source.addEventListener(name, (event) => {
      heardAtMs = Date.now();
      byId("connection-lost").hidden = true;
      act(JSON.parse(event.data));
      tick();
    });
  source.onerror = lost;
}

function lost() {
  source.close(); // we come back by ourselves: a browser gives up for good after an answer that is no stream
  byId("connection-lost").hidden = false;
  document.body.classList.add("stale");
  setTimeout(listen, RETRY_MS);
}

listen();
setInterval(() => {
  tick();
  if (source.readyState !== EventSource.CLOSED && Date.now() - heardAtMs > SILENCE_MS) lost();
}, 1000);
