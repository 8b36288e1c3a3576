/* Questions over the page: a link with data-asks opens its page's question as a dialog, and is a plain link without. */
(() => {
  "use strict";

  const open = async (link) => {
    const dialog = document.getElementById("asking");
    dialog.repeat = () => open(link);
    const part = { source: dialog, target: dialog, swap: "innerHTML", select: "form.dialog, .keeps-draft" };
    /* that it failed is said by what listens for it (floats.js) */
    await htmx.ajax("GET", link.href, part).catch(() => {});
    const form = dialog.querySelector("form.dialog");
    const head = dialog.querySelector("h1");
    if (!form || !head) return;
    /* the question was asked by its own page, and that is where its answer goes */
    form.action = link.href;
    head.id = "asking-head";
    dialog.className = `asking ${form.className.replace(/\bdialog\b/, "")}`;
    dialog.showModal();
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest("a[data-asks]");
    const dialog = document.getElementById("asking");
    if (link && dialog?.showModal && window.htmx) {
      event.preventDefault();
      open(link);
    } else if (target?.closest("#asking a[data-cancels]") || target === dialog) {
      event.preventDefault();
      dialog.close();
    }
  });

  /* an answer whose page is another one than the question (somebody signed out meanwhile) is that page's to show */
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "asking") return;
    /* what passes by itself is told over the page, with a way to ask again (floats.js) */
    const { status } = event.detail.xhr;
    if (status === 413 || status === 429 || status >= 500) return;
    const page = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
    if (!page.querySelector("form.dialog")) {
      event.detail.shouldSwap = false;
      location.assign(event.detail.requestConfig.path);
    }
  });

  document.addEventListener("close", (event) => {
    if (event.target.id === "asking") event.target.replaceChildren();
  }, true);
})();
