"use strict";
(() => {
  const root = document.documentElement;
  const KEY = "vetgate-theme";

  // A page from disk may have no storage, or one that throws.
  const storage = (act) => { try { return act(window.localStorage); } catch { return null; } };
  const kept = storage((store) => store.getItem(KEY));
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;

  const isDark = () => root.dataset.theme
    ? root.dataset.theme === "dark"
    : window.matchMedia("(prefers-color-scheme: dark)").matches;

  const offerThemes = (button) => {
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      storage((store) => store.setItem(KEY, root.dataset.theme));
      show();
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    button.hidden = false;
    show();
  };

  const offerFilter = (filter) => {
    const table = document.getElementById(filter.dataset.table);
    const rows = [...table.tBodies[0].rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const boxes = [...filter.querySelectorAll("input[type=checkbox]")];
    const words = filter.querySelector("input[type=search]");
    const told = filter.querySelector("output");
    const none = table.parentElement.querySelector(".none");
    const apply = () => {
      const shown = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      rows.forEach((row, place) => {
        const fits = shown.has(row.dataset.decision) && wanted.every((word) => texts[place].includes(word));
        row.classList.toggle("out", !fits);
        count += fits ? 1 : 0;
      });
      const all = count === rows.length;
      told.textContent = `${all ? "" : `${count.toLocaleString("en")} of `}${rows.length.toLocaleString("en")} ${rows.length === 1 ? "rule" : "rules"}`;
      none.hidden = count > 0;
    };
    filter.addEventListener("input", apply);
    filter.reset = () => { boxes.forEach((box) => { box.checked = true; }); words.value = ""; apply(); };
    filter.hidden = false;
    apply();
  };

  // Whoever follows a link must see where it leads: through folded parts, and to rules that a filter hides.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(window.location.hash.slice(1)));
    if (!target) return;
    for (let place = target.closest("details"); place; place = place.parentElement.closest("details")) place.open = true;
    if (target.classList.contains("out")) {
      document.querySelector(`.filter[data-table="${target.closest("table").id}"]`)?.reset();
    }
    target.scrollIntoView();
    if (target.hasAttribute("tabindex")) target.focus({ preventScroll: true });
  };

  const offerCopy = (button) => {
    const code = button.parentElement.querySelector("code");
    const status = button.parentElement.querySelector("[role=status]");
    const tell = (text) => {
      status.textContent = text;
      button.textContent = text;
      window.setTimeout(() => { button.textContent = "Copy"; status.textContent = ""; }, 2000);
    };
    const select = () => { window.getSelection().selectAllChildren(code); tell("Selected"); };
    button.addEventListener("click", () => {
      if (!navigator.clipboard) { select(); return; }
      navigator.clipboard.writeText(code.textContent).then(() => tell("Copied"), select);
    });
    button.hidden = false;
  };

  const printWhole = () => {
    let closed = [];
    window.addEventListener("beforeprint", () => {
      closed = [...document.querySelectorAll("details:not([open])")];
      closed.forEach((part) => { part.open = true; });
    });
    window.addEventListener("afterprint", () => closed.forEach((part) => { part.open = false; }));
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".theme").forEach(offerThemes);
    document.querySelectorAll(".filter").forEach(offerFilter);
    document.querySelectorAll(".copy").forEach(offerCopy);
    printWhole();
    window.addEventListener("hashchange", reveal);
    if (window.location.hash) reveal();
  });
})();
