/* A session that ended while a page was open: it is said once, one signs in beside the page, and the page goes on.
   What was typed stays where it is. */
(() => {
  "use strict";

  const BESIDE = "taawun-sign-in";
  const taawun = (window.taawun ??= {});
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("taawun-session") : null;
  const person = () => document.body.dataset.person ?? "";
  let retry = null;
  let isEnded = false;

  /* whoever is signed in on any page of this browser lets the others go on */
  if (person()) channel?.postMessage(person());
  if (person() && window.name === BESIDE) {
    window.name = "";
    window.close();
  }

  const words = () => document.getElementById("session-ended");

  const end = (again = null) => {
    if (again) retry = again;
    if (isEnded && document.querySelector("#standing [data-sign-in]")) return;
    /* polls stop with the first; a closed notice comes back only with something that one asked for oneself */
    if (isEnded && !again) return;
    isEnded = true;
    taawun.stand(words().content.cloneNode(true), { "[data-let-be]": () => {} });
  };

  /* another session has other tokens: those of the forms of this page are exchanged */
  const goOn = async () => {
    const response = await fetch(document.querySelector(".brand").href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!page.body.dataset.person) return;
    /* what one has written is not for another to read */
    if (page.body.dataset.person !== person()) {
      location.assign(document.querySelector(".brand").href);
      return;
    }
    const given = page.body.getAttribute("hx-headers");
    document.body.setAttribute("hx-headers", given);
    for (const field of document.querySelectorAll('input[name="csrfmiddlewaretoken"]')) field.value = JSON.parse(given)["x-csrftoken"];
    isEnded = false;
    taawun.sit("[data-sign-in]");
    taawun.toast(words().dataset.over);
    document.dispatchEvent(new CustomEvent("taawun:signed-in"));
    retry?.();
    retry = null;
  };
  const tryToGoOn = () => isEnded && goOn().catch(() => {});

  document.addEventListener("taawun:signed-out", (event) => end(event.detail?.retry));
  channel?.addEventListener("message", tryToGoOn);
  /* where windows cannot tell each other, or the sign-in was on another page */
  document.addEventListener("visibilitychange", () => document.hidden || tryToGoOn());

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-sign-in]") : null;
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    /* a small window over the page where the browser lets us, else what the link does by itself */
    if (window.open(link.href, BESIDE, "popup,width=560,height=760")) event.preventDefault();
  });
})();
