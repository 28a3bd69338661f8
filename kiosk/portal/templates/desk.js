// One key a decision. Everything works without this file, by Tab and Enter; it only saves steps.
// Letters typed into a field stay letters.
"use strict";

// The decision that stands in front when no other is open.
const mainChoice = () => document.querySelector(".decide [autofocus]");

const isTyping = (element) =>
  element.matches("textarea, select, input:not([type=radio]):not([type=hidden])");

function press(element) {
  if (element.matches("input[type=radio]")) {
    element.checked = true;
    element.focus();
  } else if (element.matches("summary")) {
    const details = element.parentElement;
    for (const other of document.querySelectorAll("details[open]")) other.open = other === details;
    details.open = true;
    details.querySelector("textarea, select").focus();
  } else {
    element.click();
  }
}

function turn(step) {
  const sheets = [...document.querySelectorAll(".sheet")];
  if (!sheets.length) return;
  const top = (sheet) => Math.abs(sheet.getBoundingClientRect().top);
  const nearest = sheets.reduce((best, sheet) => (top(sheet) < top(best) ? sheet : best));
  const wanted = sheets.indexOf(nearest) + step;
  sheets[Math.max(0, Math.min(sheets.length - 1, wanted))].scrollIntoView();
}

const actions = {
  j: () => turn(1),
  k: () => turn(-1),
  z: () => document.querySelector(".sheets")?.classList.toggle("zoomed"),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Escape") {
    const open = document.querySelector("details[open]");
    if (open) {
      open.open = false;
      (mainChoice() ?? open.querySelector("summary")).focus();
    } else if (document.querySelector(".case")) {
      location.assign("/desk");
    }
    return;
  }
  if (isTyping(event.target)) return;
  const key = event.key.toLowerCase();
  const element = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (element?.matches("input") && document.querySelector("details[open]")) return;
  const action = element ? () => press(element) : actions[key];
  if (!action) return;
  event.preventDefault();
  action();
});
