"use strict";
// Everything with a location carries it in data-at; several, the smallest first, in the source.
const all = Array.from(document.querySelectorAll("[data-at]"));
const byPlace = new Map();
for (const one of all)
  for (const place of one.dataset.at.split(" ")) {
    if (!byPlace.has(place)) byPlace.set(place, []);
    byPlace.get(place).push(one);
  }
let pinned = null;

function mark(place, name, on) {
  for (const one of byPlace.get(place) || []) one.classList.toggle(name, on);
}

function placeOf(target) {
  const found = target.closest && target.closest("[data-at]");
  return found ? found.dataset.at.split(" ")[0] : null;
}

let lit = null;
document.addEventListener("mouseover", (event) => {
  const place = placeOf(event.target);
  if (place === lit) return;
  if (lit !== null) mark(lit, "lit", false);
  if (place !== null) mark(place, "lit", true);
  lit = place;
});

document.addEventListener("click", (event) => {
  const tab = event.target.closest("nav button");
  if (tab) return select(tab);
  const place = placeOf(event.target);
  if (pinned !== null) mark(pinned, "pinned", false);
  pinned = place === pinned ? null : place;
  if (pinned === null) return;
  mark(pinned, "pinned", true);
  const inSource = event.target.closest("#source") !== null;
  const other = byPlace.get(pinned).find(
    (one) => (one.closest("#source") === null) === inSource && one.getClientRects().length > 0,
  );
  if (other) other.scrollIntoView({ block: "center" });
});

function select(tab) {
  for (const one of document.querySelectorAll("nav button"))
    one.setAttribute("aria-selected", String(one === tab));
  for (const one of document.querySelectorAll("[role=tabpanel]")) one.hidden = one.id !== tab.dataset.tab;
}
