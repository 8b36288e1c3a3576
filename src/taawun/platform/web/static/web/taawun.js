/* What JavaScript adds. Every page works without it. */
(() => {
  "use strict";

  /* copy buttons show themselves only where they can work */
  const showCopyButtons = (root) => {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("button.copy[hidden]")) button.hidden = false;
  };

  const copy = async (button) => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const words = button.getAttribute("aria-label");
    button.classList.add("copied");
    button.setAttribute("aria-label", button.dataset.done);
    button.title = button.dataset.done;
    window.taawun?.toast(button.dataset.done);
    setTimeout(() => {
      button.classList.remove("copied");
      button.setAttribute("aria-label", words);
      button.title = words;
    }, 2000);
  };

  const isWriting = (element) =>
    element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));

  const menus = "details.person, details.list-columns";

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll(menus)) {
      if (menu !== except) menu.open = false;
    }
  };

  /* the help of this page beside it; its text is fetched once, when it is first asked for */
  const openHelp = () => {
    const help = document.getElementById("help");
    if (!help) return false;
    if (!help.open) help.showModal();
    document.getElementById("help-text").dispatchEvent(new Event("help-asked"));
    return true;
  };

  /* a list: how many rows are chosen, in the reader's digits, and a box for all of them */
  const showChoice = () => {
    const list = document.getElementById("list");
    const all = list?.querySelector(".choose-all");
    if (!all) return;
    const boxes = [...list.querySelectorAll(".choose")];
    const count = boxes.filter((box) => box.checked).length;
    all.hidden = false;
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
    const told = list.querySelector(".list-chosen");
    told.hidden = false;
    told.querySelector("b").textContent = String(count).replace(/\d/g, (digit) => told.dataset.digits[digit]);
  };

  /* before publishing: the button says to how many, as the boxes stand now */
  const showReceivers = (form) => {
    const words = form.querySelector("[data-to]");
    if (!words) return;
    const count = form.querySelectorAll(".receivers input[name='receivers']:checked").length;
    words.textContent = JSON.parse(words.dataset.to)[count];
  };

  document.addEventListener("change", (event) => {
    const publishing = event.target.closest("form:has(.publish-preview)");
    if (publishing) showReceivers(publishing);

    const box = event.target;
    if (box.matches(".choose-all")) {
      for (const each of box.closest("table").querySelectorAll(".choose")) each.checked = box.checked;
    }
    if (box.matches(".choose-all, .choose")) showChoice();
  });

  /* after the browser has emptied the boxes */
  document.addEventListener("reset", () => setTimeout(showChoice, 0));

  /* a list that is drawn anew in its place: short addresses, focus that stays, and a page where there is no list */
  const listenToLists = () => {
    document.body.addEventListener("htmx:configRequest", (event) => {
      if (!["list", "found"].includes(event.detail.target?.id)) return;
      const given = event.detail.parameters;
      for (const name of Object.keys(given)) if (given[name] === "") delete given[name];
    });
    const leave = (event) => location.assign(event.detail.pathInfo.responsePath || event.detail.pathInfo.finalRequestPath);
    document.body.addEventListener("htmx:beforeSwap", (event) => {
      if (event.detail.target.id !== "list" || event.detail.xhr.responseText.includes(' id="list"')) return;
      /* what passes by itself is told beside the list, which stays, with a way to ask again (floats.js) */
      const { status } = event.detail.xhr;
      if (status === 413 || status === 429 || status >= 500) return;
      event.preventDefault();
      leave(event);
    });
    document.body.addEventListener("htmx:afterSettle", (event) => {
      if (event.detail.elt.id !== "list") return;
      showChoice();
      if (document.activeElement === document.body) document.getElementById("list").focus({ preventScroll: true });
    });
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    closeMenus(target.closest(menus));
    const button = target.closest("button.copy");
    if (button) copy(button);
    if (target.closest("[data-close-dialog]")) target.closest("dialog").close();
    if (target.closest("[data-print]")) window.print();
    const folding = target.closest("[data-fold]");
    if (folding) fold(folding);
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (plain && target.closest("[data-help]") && openHelp()) event.preventDefault();
  });

  /* a link inside a drawing is no anchor to htmx, which would unfold the box and follow the link too;
     one that is opened beside this page is only followed */
  document.addEventListener("click", (event) => {
    const handle = event.target instanceof Element ? event.target.closest("svg a[hx-get]") : null;
    if (!handle || !window.htmx) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) event.stopPropagation();
    else event.preventDefault();
  }, { capture: true });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      closeMenus(null);
      if (location.hash === "#menu") {
        location.hash = "#main";
        /* back to where it was opened */
        document.querySelector(".bottom-bar a[href='#menu']")?.focus();
      }
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    if (event.key === "/") {
      const search = document.querySelector(".cover-search input");
      if (search && search.offsetParent) {
        event.preventDefault();
        search.focus();
      }
    }
    if (event.key === "?") openHelp();
  });

  /* the navigation folds to a rail of icons; the server reads the cookie, so that no page moves as it loads */
  const fold = (button) => {
    const isRail = document.querySelector(".frame").classList.toggle("rail");
    button.setAttribute("aria-expanded", String(!isRail));
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `taawun-rail=${isRail ? "yes" : "no"}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  };

  /* a form that is on its way says so, keeps its width, and is not sent twice */
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || !button.dataset.busy || event.defaultPrevented) return;
    button.style.minInlineSize = `${button.offsetWidth}px`;
    /* after the browser has read the form: a disabled button's own value would not be sent */
    setTimeout(() => {
      button.dataset.words = button.textContent;
      button.disabled = true;
      button.textContent = button.dataset.busy;
    }, 0);
  });

  /* a page that comes back from the browser's memory must not come back busy */
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[data-words]")) {
      button.disabled = false;
      button.textContent = button.dataset.words;
      delete button.dataset.words;
    }
  });

  /* the Hijri date beside a day, while one types it; the server writes that of what stands there already */
  const hijri = new Intl.DateTimeFormat("en-u-ca-islamic-civil-nu-latn", { day: "numeric", month: "numeric", year: "numeric", timeZone: "UTC" });
  document.addEventListener("input", (event) => {
    const other = event.target.parentElement?.querySelector(":scope > [data-months]");
    if (!other) return;
    const day = new Date(`${event.target.value}T00:00:00Z`);
    /* not a day, or one before the calendar began: 19 July 622 */
    const parts = !(day >= Date.UTC(622, 6, 19)) ? null : Object.fromEntries(hijri.formatToParts(day).map((each) => [each.type, each.value]));
    const inDigits = (number) => number.replace(/\d/g, (digit) => other.dataset.digits[digit]);
    other.textContent = !parts ? "" : other.dataset.pattern
      .replace("{day}", inDigits(parts.day))
      .replace("{month}", other.dataset.months.split("|")[parts.month - 1])
      .replace("{year}", inDigits(parts.year));
  });

  document.addEventListener("allauth.error", (event) => {
    const place = document.getElementById("passkey-problem");
    if (!place) return;
    event.preventDefault();
    place.hidden = false;
  });

  document.addEventListener("DOMContentLoaded", () => {
    showCopyButtons(document);
    for (const button of document.querySelectorAll("[data-fold]")) button.hidden = false;
    showChoice();
    listenToLists();
    document.body.addEventListener("htmx:load", (event) => {
      showCopyButtons(event.detail.elt);
      showChoice();
    });
  });
})();
