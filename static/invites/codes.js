/* Copies the unused codes of a batch, and sends an order for codes once. Without it both work by plain pages. */
(() => {
  "use strict";

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-copy-codes]");
    if (!link) return;
    event.preventDefault();
    const say = (text) => { document.querySelector(link.dataset.status).textContent = text; };
    const answer = await fetch(link.href, { headers: { Accept: "text/plain" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) {
      location.href = link.href; // logged out, or the line is down: the page itself says which
      return;
    }
    const codes = await answer.text();
    try {
      await navigator.clipboard.writeText(codes);
      say(link.dataset.done);
    } catch {
      const box = document.querySelector(link.dataset.copyCodes);
      box.value = codes;
      box.hidden = false;
      box.focus();
      box.select();
      say(link.dataset.refused);
    }
  });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-once]");
    if (!form) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  // Coming back by the browser's button shows the page as it was left.
  addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => { delete form.dataset.sent; }));
})();
