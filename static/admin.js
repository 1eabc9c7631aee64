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
      if (!field) button.previousElementSibling.textContent = text;
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
  const count = (text) => {
    const trimmed = text.trim();
    if (!trimmed) return 0;
    if (trimmed[0] === "{" || trimmed[0] === "[") {
      try {
        const data = JSON.parse(trimmed);
        return Array.isArray(data) ? data.length : 1;
      } catch { /* not one document: lines, then */ }
    }
    return trimmed.split(/\r\n|\r|\n/).filter((line) => line.trim() && line.trim()[0] !== "#").length;
  };

  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-import]");
    if (!form || event.target.name !== "text") return;
    const lines = count(event.target.value);
    shown(form.querySelector("[data-lines]"), lines ? form.dataset[lines === 1 ? "countOne" : "count"].replace("{n}", lines.toLocaleString("en")) : "");
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-import]");
    if (!form || event.target.type !== "file") return;
    event.stopImmediatePropagation(); // The theme looks for a field of its own beside every file.
    if (event.target.files[0]) shown(form.querySelector("[data-file]"), event.target.files[0].name);
  }, true);

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-import]");
    if (!form) return;
    const file = form.querySelector("input[type=file]").files[0];
    const size = Math.max(file ? file.size : 0, new Blob([form.querySelector("textarea").value]).size);
    const isTooLarge = size > Number(form.dataset.limit);
    shown(form.querySelector("[data-error]"), isTooLarge ? form.dataset.tooLarge : "");
    if (isTooLarge) event.preventDefault();
  });
})();
