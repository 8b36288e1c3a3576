/* What is typed into a form with a mark is kept by itself, some seconds after the last key and when one leaves. */
(() => {
  "use strict";

  const WAIT = 3000; /* after the last key */
  const AGAIN = 15000; /* after it failed */
  const PATIENCE = 8000; /* with a node that does not answer */
  const MOST_ON_LEAVING = 60000; /* bytes; browsers send no more from a page that is gone */

  class Draft {
    constructor(mark) {
      this.mark = mark;
      this.form = mark.form;
      this.last = this.typed().toString();
      this.timer = 0;
      this.saving = Promise.resolve(true);
      this.isSent = false;
      this.mayGo = false;
      this.says = document.createElement("p");
      this.says.className = "draft-state";
      this.says.setAttribute("role", "status");
      const acts = this.form.querySelectorAll(".acts, .dialog-foot");
      (acts[acts.length - 1] ?? this.form).append(this.says);
      this.form.addEventListener("input", () => this.later());
      this.form.addEventListener("change", () => this.later());
      this.form.addEventListener("submit", (event) => this.submit(event), true);
    }

    typed() {
      const fields = new URLSearchParams();
      for (const [name, value] of new FormData(this.form)) {
        const [field] = this.form.querySelectorAll(`[name="${CSS.escape(name)}"]`);
        if (typeof value === "string" && name !== this.mark.name && name !== "csrfmiddlewaretoken" && field?.type !== "password")
          fields.append(name, value);
      }
      return fields;
    }

    get isDirty() {
      return this.typed().toString() !== this.last;
    }

    later(wait = WAIT) {
      this.mayGo = false;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), wait);
    }

    /* one after the other; tells whether the node answered, whatever it said */
    save(how = {}) {
      clearTimeout(this.timer);
      /* a page that goes waits for nothing */
      if (how.leaves) return this.send(how);
      this.saving = this.saving.then(() => this.send(how));
      return this.saving;
    }

    async send({ leaves = false, keeps = false, asks = false }) {
      const body = this.typed();
      const text = body.toString();
      if (this.isSent || (text === this.last && !keeps && !asks)) return true;
      body.set(this.mark.name, this.mark.value);
      if (keeps) body.set("draft-keep", "1");
      let response;
      try {
        response = await fetch(this.mark.dataset.draft, {
          method: "POST",
          body,
          headers: { "X-Requested-With": "XMLHttpRequest" },
          keepalive: leaves && body.toString().length < MOST_ON_LEAVING,
          redirect: "manual",
          signal: AbortSignal.timeout(PATIENCE),
        });
      } catch (problem) {
        this.says.textContent = this.mark.dataset.offline;
        this.later(AGAIN);
        /* a node that is slow may still take the form itself */
        return problem.name === "TimeoutError";
      }
      const told = await response.json().catch(() => ({}));
      this.says.textContent = told.said ?? told.detail ?? this.mark.dataset.offline;
      if (response.ok || response.status === 409) this.last = text;
      else if (response.status === 401) document.dispatchEvent(new CustomEvent("taawun:signed-out"));
      else if (response.status >= 429) this.later(AGAIN);
      if (told.mark) this.mark.value = told.mark;
      if (told.notice) this.decide(told.notice);
      return true;
    }

    decide(notice) {
      const drawn = document.createRange().createContextualFragment(notice);
      window.taawun.stand(drawn, { "[data-keep-mine]": () => this.save({ keeps: true }) });
    }

    /* nothing is sent to a node that does not answer: the browser would show a page of its own and forget the form.
       What a browser says of the network is no answer: a node on the same machine answers without one. */
    async submit(event) {
      if (this.mayGo || (!this.isDirty && navigator.onLine)) {
        this.isSent = true;
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      const by = event.submitter;
      if (await this.save({ asks: true })) {
        this.mayGo = true;
        this.form.requestSubmit(by);
      } else {
        window.taawun.failed(() => this.form.requestSubmit(by));
      }
    }
  }

  const drafts = new Map();
  const begin = () => {
    for (const mark of document.querySelectorAll("input[data-draft]")) {
      if (mark.form && !drafts.has(mark)) drafts.set(mark, new Draft(mark));
    }
    for (const mark of drafts.keys()) if (!mark.isConnected) drafts.delete(mark);
  };
  const leave = () => {
    for (const draft of drafts.values()) if (draft.form.isConnected) draft.save({ leaves: true });
  };

  begin();
  document.addEventListener("htmx:load", begin);
  document.addEventListener("taawun:signed-in", () => {
    for (const draft of drafts.values()) if (draft.isDirty) draft.later(0);
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave());
  window.addEventListener("pagehide", leave);
  window.addEventListener("online", leave);
  /* a page that comes back from the browser's memory is written in again, and the browser may have filled it */
  window.addEventListener("pageshow", () => {
    for (const draft of drafts.values()) {
      draft.isSent = false;
      draft.mayGo = false;
      if (draft.isDirty) draft.later();
    }
  });
})();
