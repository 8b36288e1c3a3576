/* Live parts: what a page's parts ask by themselves, and what becomes of the answer. See platform/web/live.py. */
(() => {
  "use strict";

  const isPart = (element) => element instanceof HTMLElement && element.dataset.part !== undefined;

  /* what somebody is in the middle of is not pulled from under them; the next poll brings it */
  const isInUse = (part) => {
    const selection = document.getSelection();
    return (
      (part.contains(document.activeElement) && document.activeElement !== part) ||
      part.querySelector("details[open], dialog[open]") !== null ||
      (selection !== null && !selection.isCollapsed && part.contains(selection.anchorNode))
    );
  };

  /* what a list holds, by where its lines lead */
  const lines = (part) => new Set([...part.querySelectorAll("[data-line]")].map((each) => each.dataset.line));
  const before = new Map();

  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (isPart(part) && (document.hidden || part.dataset.over !== undefined)) event.preventDefault();
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const part = event.detail.elt;
    if (!isPart(part)) return;
    event.detail.headers["X-Taawun-Part"] = part.dataset.part;
    event.detail.headers["If-None-Match"] = part.dataset.etag;
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.elt;
    if (!isPart(part)) return;
    if (event.detail.xhr.status === 304) {
      part.dataset.etag = event.detail.xhr.getResponseHeader("ETag") || "";
    } else if (event.detail.shouldSwap && isInUse(part)) {
      event.detail.shouldSwap = false;
    } else if (event.detail.shouldSwap) {
      before.set(part.id, lines(part));
    }
  });

  /* a value that changed while one looked is marked by a dot, and told to who does not see it */
  document.addEventListener("htmx:afterSwap", (event) => {
    const part = document.getElementById(event.detail.target?.id);
    const had = part && before.get(part.id);
    if (!had) return;
    before.delete(part.id);
    for (const line of part.querySelectorAll("[data-line]")) {
      if (!had.has(line.dataset.line)) line.classList.add("changed");
    }
  });

  /* the session ended, or the node refuses: nothing asks again until the page is loaded anew */
  document.addEventListener("htmx:responseError", (event) => {
    const part = event.detail.elt;
    if (!isPart(part) || ![401, 403, 404].includes(event.detail.xhr.status)) return;
    part.dataset.over = "";
    if (event.detail.xhr.status === 401) document.dispatchEvent(new CustomEvent("taawun:signed-out"));
  });
})();
