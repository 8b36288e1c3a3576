/* Live parts: what a page's parts ask by themselves, and what becomes of the answer. See platform/web/live.py. */
(() => {
  "use strict";

  const SLOWEST = 120000; /* between two polls that find nothing new */
  const PATIENT = 300000; /* between two that fail */
  const LONGER = 8; /* times its own rhythm, at most */
  const LOOK = "taawun:look"; /* asks a part at once */

  const isPart = (element) => element instanceof HTMLElement && element.dataset.part !== undefined;
  const parts = () => document.querySelectorAll("[data-part]");

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

  /* who asks in vain asks less often: how long each part waits, and until when */
  const pace = new Map();
  let isOver = false;
  const slower = (part, times, most) => {
    const rhythm = Number(part.dataset.seconds) * 1000;
    const wait = Math.min((pace.get(part.id)?.wait ?? rhythm) * times, most);
    pace.set(part.id, { wait, until: Date.now() + wait - rhythm / 2 });
  };
  const isWaiting = (part) => Date.now() < (pace.get(part.id)?.until ?? 0);

  /* whoever comes back finds the page as it is */
  const look = () => {
    pace.clear();
    for (const part of parts()) window.htmx?.trigger(part, LOOK);
  };
  document.addEventListener("visibilitychange", () => document.hidden || look());
  for (const sign of ["pointerdown", "keydown"]) document.addEventListener(sign, () => pace.clear(), { passive: true });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (isPart(part) && (isOver || document.hidden || part.dataset.over !== undefined || isWaiting(part))) event.preventDefault();
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
    const { xhr } = event.detail;
    if (xhr.status === 304) {
      part.dataset.etag = xhr.getResponseHeader("ETag") || "";
      slower(part, 1.5, Math.min(Number(part.dataset.seconds) * 1000 * LONGER, SLOWEST));
    } else if (event.detail.shouldSwap && isInUse(part)) {
      event.detail.shouldSwap = false;
    } else if (event.detail.shouldSwap) {
      pace.delete(part.id);
      before.set(part.id, { lines: lines(part), messages: part.querySelector(".messages") });
    }
  });

  /* a value that changed while one looked is marked by a dot; what was said once stays said */
  document.addEventListener("htmx:afterSwap", (event) => {
    const part = document.getElementById(event.detail.target?.id);
    const had = part && before.get(part.id);
    if (!had) return;
    before.delete(part.id);
    for (const line of part.querySelectorAll("[data-line]")) {
      if (had.lines.size && !had.lines.has(line.dataset.line)) line.classList.add("changed");
    }
    if (had.messages && !part.querySelector(".messages")) part.querySelector(".page-head")?.after(had.messages);
    if (part.id === "part-notices") count(part);
  });

  /* the number in the header is that of the navigation as well */
  const count = (part) => {
    const entry = document.querySelector('.entries a[data-entry="notices"]');
    const shown = part.querySelector(".cover-count");
    entry?.querySelector(".count")?.remove();
    if (!entry || !shown) return;
    const number = document.createElement("span");
    number.className = "count";
    number.textContent = shown.textContent;
    entry.append(number);
  };

  /* a node that does not answer is asked less and less; one that refuses, not again */
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => isPart(event.detail.elt) && slower(event.detail.elt, 2, PATIENT));
  }
  document.addEventListener("htmx:responseError", (event) => {
    const part = event.detail.elt;
    if (!isPart(part)) return;
    const { status } = event.detail.xhr;
    if (status === 401) document.dispatchEvent(new CustomEvent("taawun:signed-out"));
    else if ([403, 404].includes(status)) part.dataset.over = "";
    else slower(part, 2, PATIENT);
  });

  /* the session ended: nothing asks again until somebody is signed in */
  document.addEventListener("taawun:signed-out", () => {
    isOver = true;
  });
  document.addEventListener("taawun:signed-in", () => {
    isOver = false;
    look();
  });
})();
