/* What floats over the page: toasts for what is done, and the notice that a request failed, with a way to repeat it. */
(() => {
  "use strict";

  const SHOWN = 6000;
  const taawun = (window.taawun ??= {});

  /* something that is done already; it goes by itself, and waits while somebody points at it or reads it with the keyboard */
  taawun.toast = (words) => {
    const place = document.getElementById("toasts");
    if (!place || !words) return;
    const toast = document.createElement("p");
    toast.className = "toast";
    toast.textContent = words;
    let timer = 0;
    const wait = () => {
      timer = setTimeout(() => toast.remove(), SHOWN);
    };
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", wait);
    place.replaceChildren(toast);
    wait();
  };

  /* one notice that stays until it is answered; the next one takes its place */
  const standing = () => document.getElementById("standing");
  taawun.stand = (content, acts) => {
    const place = standing();
    if (!place) return;
    place.replaceChildren(content);
    place.onclick = (event) => {
      for (const [selector, act] of Object.entries(acts)) {
        if (event.target.closest(selector)) {
          place.replaceChildren();
          act();
        }
      }
    };
  };
  taawun.sit = (what) => {
    const place = standing();
    if (place && place.querySelector(what)) place.replaceChildren();
  };

  taawun.failed = (retry, status = 0) => {
    if (status === 401) {
      /* what becomes of it is told in session.js */
      document.dispatchEvent(new CustomEvent("taawun:signed-out", { detail: { retry } }));
      return;
    }
    const words = document.getElementById("request-failed");
    if (!words) return;
    taawun.stand(words.content.cloneNode(true), { "[data-retry]": retry, "[data-let-be]": () => {} });
  };

  /* a part of the page that could not be loaded stays as it is, and can be asked for again */
  const again = (event) => {
    const asked = event.detail.requestConfig;
    /* what keeps itself current asks again by itself (live.js), and nobody waits for it */
    if (asked.elt.dataset.part !== undefined) return;
    const repeat = () =>
      htmx.ajax(asked.verb.toUpperCase(), asked.path, {
        source: asked.elt,
        target: event.detail.target,
        select: asked.elt.getAttribute("hx-select") ?? undefined,
        swap: asked.elt.getAttribute("hx-swap") ?? undefined,
      }).catch(() => {});
    /* what a script asked for itself says how it is repeated */
    taawun.failed(asked.elt.repeat ?? repeat, event.detail.xhr?.status);
  };
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) document.addEventListener(name, again);
  /* told of an answer that is a failure too, after it was told that it failed */
  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.successful && event.detail.elt.dataset.part === undefined) taawun.sit("[data-retry]");
  });
})();
