/* The operator's pages: copy buttons, and how many lines the import box holds. Nothing here decides anything. */
(() => {
  "use strict";
  const shown = (node, text) => { node.textContent = text; node.hidden = !text; };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy],[data-copy-text]");
    if (!button) return;
    const field = button.dataset.copy && document.querySelector(button.dataset.copy);
    if (field) field.select();
    const text = field ? field.value : button.dataset.copyText;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // The person can copy it by hand: a field stays selected, a shortened text is written out.
      if (!field && button.previousElementSibling) button.previousElementSibling.textContent = text;
      return;
    }
    button.textContent = button.dataset.done;
  });

  // A bar opens the list of its day: the link stands in the table of the same numbers, newest first.
  document.addEventListener("click", (event) => {
    const holder = event.target.closest("[data-chart]");
    const drawn = holder && window.Chart && Chart.getChart(holder.querySelector("canvas"));
    if (!drawn) return;
    const [hit] = drawn.getElementsAtEventForMode(event, "index", { intersect: false }, true);
    const days = document.querySelectorAll(`${holder.dataset.chart} a`);
    if (hit) location.assign(days[days.length - 1 - hit.index].href);
  });

  // Ctrl or ⌘ with K: one box, one answer, which is a link.
  const palette = () => document.getElementById("sk-palette");
  document.addEventListener("keydown", (event) => {
    if (!palette() || event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (palette().open) palette().close();
    else palette().showModal();
  });
  document.addEventListener("click", (event) => { if (event.target === palette()) palette().close(); });
  document.addEventListener("input", (event) => {
    const link = palette()?.contains(event.target) && palette().querySelector("a");
    if (!link) return;
    const text = event.target.value.trim();
    link.href = `${link.pathname}?q=${encodeURIComponent(text)}`;
    shown(link, text && link.dataset.words.replace("{text}", () => text));
  });

  // The server counts again and its number is the true one.
  const TOKEN = /^(access|refresh|session)_?token$/i;
  const PART = /^(credentials|tokens?|metadata|auth|session|oauth)$/i;
  const hasToken = (value) => Object.entries(value).some(([name, inner]) =>
    typeof inner === "string" ? TOKEN.test(name) : inner && typeof inner === "object" && !Array.isArray(inner) && PART.test(name) && hasToken(inner));
  const accounts = (value) => {
    if (!value || typeof value !== "object") return 0;
    if (!Array.isArray(value) && hasToken(value)) return 1;
    return Object.values(value).reduce((sum, inner) => sum + accounts(inner), 0);
  };
  const read = (text) => {
    try { return Math.max(accounts(JSON.parse(text)), 1); } catch { return 0; }
  };
  const count = (text) => {
    const trimmed = text.trim();
    if (!trimmed) return 0;
    const whole = /^[{[]/.test(trimmed) && read(trimmed);
    if (whole) return whole;
    return trimmed.split(/\r\n|\r|\n/).map((line) => line.trim()).filter((line) => line && line[0] !== "#")
      .reduce((sum, line) => sum + (/^[{[]/.test(line) && read(line) || 1), 0);
  };
  // True when a document begins and a text or a bracket in it never closes.
  const isCutOff = (text) => {
    if (!/^\s*[{[]/.test(text)) return false;
    let open = 0;
    for (const [mark] of text.matchAll(/"(?:[^"\\\n]|\\.)*("|$)|[{}[\]]|\n/g)) {
      if (mark[0] === '"' && (mark.length < 2 || mark.at(-1) !== '"')) return true;
      if (mark === "{" || mark === "[") open += 1;
      if (mark === "}" || mark === "]") open -= 1;
    }
    return open > 0;
  };

  const look = (form) => {
    const text = form.querySelector("textarea").value;
    const cut = isCutOff(text);
    const found = cut ? 0 : count(text);
    shown(form.querySelector("[data-lines]"), found ? form.dataset[found === 1 ? "countOne" : "count"].replace("{n}", found.toLocaleString("en")) : "");
    shown(form.querySelector("[data-error]"), cut ? form.dataset.cutOff : "");
  };

  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-import]");
    if (form && event.target.name === "text") look(form);
  });

  // "Back to the text" brings back what was pasted: it holds tokens, so it never leaves this tab, and goes after
  // 15 minutes, on success, and as soon as this tab shows any page but the import.
  const KEPT = "seatkeeper.import", KEPT_FOR = 15 * 60 * 1000;
  const kept = () => {
    const [until, text] = JSON.parse(sessionStorage.getItem(KEPT) || "[0, \"\"]");
    return Date.now() < until ? text : "";
  };
  const forget = () => sessionStorage.removeItem(KEPT);
  const settle = () => {
    const box = document.querySelector("[data-import] textarea");
    if (box && location.hash === "#again" && !box.value) {
      box.value = kept();
      look(box.closest("form"));
    }
    const isWaiting = document.querySelector("#import-live") && !document.querySelector("[data-import-done]");
    if (box || !isWaiting || !kept()) forget();
  };
  setInterval(() => kept() || forget(), 60 * 1000);
  document.addEventListener("DOMContentLoaded", settle);
  document.addEventListener("htmx:afterSettle", settle);

  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-import]");
    if (!form || event.target.type !== "file") return;
    event.stopImmediatePropagation(); // The theme looks for a field of its own beside every file.
    const files = event.target.files;
    if (files.length) shown(form.querySelector("[data-file]"), files.length === 1 ? files[0].name : form.dataset.files.replace("{n}", files.length));
  }, true);

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-import]");
    if (!form) return;
    const files = [...form.querySelector("input[type=file]").files];
    const text = form.querySelector("textarea").value;
    const sizes = [...files.map((file) => file.size), new Blob([text]).size];
    const isTooLarge = Math.max(...sizes) > Number(form.dataset.limit);
    const problem = files.length > 100 ? form.dataset.tooMany : isTooLarge ? form.dataset.tooLarge : isCutOff(text) ? form.dataset.cutOff : "";
    shown(form.querySelector("[data-error]"), problem);
    if (problem) event.preventDefault();
    else try { sessionStorage.setItem(KEPT, JSON.stringify([Date.now() + KEPT_FOR, text])); } catch { /* too long to keep */ }
  });
})();
