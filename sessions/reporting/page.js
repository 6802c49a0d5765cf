// Search, filter, sort, open and copy. Without it, all of the page is there to read.
"use strict";
document.documentElement.classList.add("js");
addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector(".tickets");
  if (table) tickets(table);
  for (const button of document.querySelectorAll(".copy button")) {
    button.addEventListener("click", () => copy(button));
  }
});

function tickets(table) {
  const bodies = [...table.tBodies];
  const texts = new Map();
  const search = document.getElementById("search");
  const chips = [...document.querySelectorAll(".chips button")];
  const tally = document.querySelector(".tally");
  let verdict = "";

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const body of bodies) {
      if (words.length && !texts.has(body)) texts.set(body, body.textContent.toLowerCase());
      const fits = (!verdict || body.dataset.verdict === verdict) && words.every((word) => texts.get(body).includes(word));
      body.hidden = !fits;
      shown += fits;
    }
    tally.textContent = `${shown} of ${bodies.length} tickets`;
  }

  function choose(chosen) {
    verdict = chosen;
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.verdict === chosen));
    show();
  }

  function open(body, on) {
    body.classList.toggle("open", on);
    body.querySelector(".open-story").setAttribute("aria-expanded", String(on));
  }

  function visit() {
    const body = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!body || !bodies.includes(body)) return;
    if (body.hidden) { search.value = ""; choose(""); }
    open(body, true);
    body.scrollIntoView({ block: "start" });
  }

  function sort(head) {
    const falling = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const by = head.dataset.by;
    const value = (body) => body.dataset[by];
    const compare = head.dataset.kind === "number"
      ? (a, b) => Number(value(a)) - Number(value(b))
      : (a, b) => value(a).localeCompare(value(b), undefined, { numeric: true });
    bodies.sort((a, b) => (falling ? -1 : 1) * compare(a, b) || Number(a.dataset.place) - Number(b.dataset.place));
    table.append(...bodies);
  }

  search.addEventListener("input", show);
  for (const chip of chips) chip.addEventListener("click", () => choose(chip.dataset.verdict));
  for (const head of table.querySelectorAll("th[data-by]")) {
    head.querySelector("button").addEventListener("click", () => sort(head));
  }
  for (const link of document.querySelectorAll("a[data-choose]")) {
    link.addEventListener("click", () => { search.value = ""; choose(link.dataset.choose); });
  }
  table.addEventListener("click", (event) => {
    const head = event.target.closest("tr.head");
    if (!head || event.target.closest("a") || String(getSelection())) return;
    open(head.parentElement, !head.parentElement.classList.contains("open"));
  });
  addEventListener("hashchange", visit);
  // A link to the story that is shown already changes no hash.
  for (const link of document.querySelectorAll('a[href^="#t"]')) link.addEventListener("click", () => setTimeout(visit));
  show();
  visit();
}

async function copy(button) {
  const text = button.closest(".copy").querySelector("pre").textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Some browsers keep the clipboard from pages on disk: then the old way.
    const field = Object.assign(document.createElement("textarea"), { value: text });
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  const said = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = said; }, 1600);
}
