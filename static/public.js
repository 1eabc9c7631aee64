// The public pages work without this. It makes a button busy once, opens the announcement over the page,
// and tells screen readers of a new heading.
"use strict";

document.addEventListener("submit", function (event) {
  const button = event.target.querySelector("[data-busy]");
  if (button) {
    button.dataset.idle = button.textContent;
    button.textContent = button.dataset.busy;
    button.disabled = true;
  }
});

// Coming back with the browser's own button shows the page as it was left: busy.
window.addEventListener("pageshow", function (event) {
  if (event.persisted) {
    document.querySelectorAll("[data-idle]").forEach(function (button) {
      button.textContent = button.dataset.idle;
      button.disabled = false;
    });
  }
});

document.addEventListener("DOMContentLoaded", function () {
  const notice = document.getElementById("notice");
  if (!notice) {
    return;
  }
  const form = notice.querySelector("form");
  const open = function () {
    notice.close(); // As it came it is only a part of the page.
    notice.showModal();
    document.getElementById("notice-title").focus();
  };
  if (notice.open) {
    open();
  }
  document.getElementById("show-notice").addEventListener("click", function (event) {
    event.preventDefault();
    open();
  });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    notice.close();
  });
  notice.addEventListener("keydown", function (event) {
    // Where Tab would leave the page for the browser's own buttons it goes round instead.
    const stops = notice.matches(":modal") ? notice.querySelectorAll("a[href], button") : [];
    const last = stops[stops.length - 1];
    const isAtFirst = document.activeElement === stops[0] || document.activeElement.id === "notice-title";
    if (event.key === "Tab" && last && (event.shiftKey ? isAtFirst : document.activeElement === last)) {
      event.preventDefault();
      (event.shiftKey ? last : stops[0]).focus();
    }
  });
  notice.addEventListener("close", function () {
    // Also after Escape: it was read.
    if (!notice.open) {
      fetch(form.action, {method: "POST", body: new FormData(form), redirect: "manual", keepalive: true});
    }
  });
});

document.addEventListener("DOMContentLoaded", function () {
  const said = document.getElementById("said");
  const lost = document.getElementById("lost");
  if (!said) {
    return;
  }
  const heading = function () {
    return document.querySelector("h1").textContent;
  };
  let last = heading();
  document.body.addEventListener("htmx:afterSwap", function () {
    if (heading() !== last) {
      last = heading();
      said.textContent = last;
    }
  });
  document.body.addEventListener("htmx:afterRequest", function (event) {
    lost.hidden = event.detail.successful === true;
  });
});
