/* The number in the button follows the boxes that are ticked; with none there is nothing to send. */
(() => {
  "use strict";
  const count = (form) => {
    const chosen = form.querySelectorAll("input[name=picked]:checked").length;
    const button = form.querySelector("button.sk-main");
    button.textContent = form.dataset.words.replace("{n}", chosen.toLocaleString("en"));
    button.disabled = chosen === 0;
  };
  const forms = () => document.querySelectorAll("[data-choose]");
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-choose]");
    if (form) count(form);
  });
  // Coming back by the browser's button shows the boxes as they were left.
  addEventListener("pageshow", () => forms().forEach(count));
})();
