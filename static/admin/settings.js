/* The settings page works without this: it fills in a mail service, and says when the server did not answer. */
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-fill]");
    if (!link) return;
    event.preventDefault();
    for (const [id, value] of Object.entries(JSON.parse(link.dataset.fill))) document.getElementById(id).value = value;
  });

  const lost = (event, isLost) => {
    const section = event.target.closest(".settings");
    if (section) section.querySelector("[data-lost]").hidden = !isLost;
  };
  document.addEventListener("htmx:beforeRequest", (event) => lost(event, false));
  for (const fault of ["htmx:responseError", "htmx:sendError", "htmx:timeout"])
    document.addEventListener(fault, (event) => lost(event, true));
})();
