// What the hosted pages do more where scripts run: show a password, tell of
// Caps Lock, judge a new password while it is typed, send a form once. Every
// page works without it. It writes text, never markup, and its texts come from
// data attributes, so that the server alone speaks languages.
"use strict";

(() => {
  for (const form of document.querySelectorAll("form[data-form]")) {
    sendOnce(form);
    for (const input of form.querySelectorAll('input[type="password"]')) {
      reveal(input);
      tellCapsLock(input);
      judge(form, input);
    }
  }

  // The button beside a password shows and hides it. What is sent is hidden
  // again first, so that browsers do not remember it as ordinary text.
  function reveal(input) {
    const button = input.parentElement.querySelector(".reveal");
    if (!button) return;
    const show = (shown) => {
      input.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      const { selectionStart, selectionEnd } = input;
      show(input.type === "password");
      input.focus();
      input.setSelectionRange(selectionStart, selectionEnd);
    });
    input.form.addEventListener("submit", () => show(false));
  }

  function tellCapsLock(input) {
    const hint = input.closest(".field").querySelector(".caps");
    const look = (event) => {
      if (!event.getModifierState) return; // what a password manager fills in
      const text = event.getModifierState("CapsLock") ? hint.dataset.text : "";
      if (hint.textContent !== text) hint.textContent = text;
    };
    input.addEventListener("keydown", look);
    input.addEventListener("keyup", look);
    input.addEventListener("blur", () => { hint.textContent = ""; });
  }

  // The rules that can be judged here, as far as they can: the server decides,
  // and it alone knows the passwords that many people use.
  function judge(form, input) {
    const box = document.getElementById("rules-" + input.name);
    if (!box) return;
    const least = Number(box.dataset.least);
    const live = box.querySelector("[data-live]");
    const rules = {
      length: (text) => count(text) >= least,
      own: (text) => text !== "" && !madeOf(text, ownWords(form, input)),
    };
    let waiting;
    const look = () => {
      const said = [];
      for (const item of box.querySelectorAll("[data-rule]")) {
        const met = rules[item.dataset.rule](input.value);
        const changed = met !== item.classList.contains("met");
        item.classList.toggle("met", met);
        item.querySelector(".unseen").textContent = ": " + (met ? box.dataset.met : box.dataset.unmet);
        if (changed) said.push(item.textContent);
      }
      if (said.length === 0) return;
      clearTimeout(waiting);
      waiting = setTimeout(() => { live.textContent = said.join(". "); }, 600);
    };
    form.addEventListener("input", look);
    look();
  }

  // Characters as the server counts them: code points of the composed form.
  function count(text) {
    return Array.from(text.normalize("NFC")).length;
  }

  // Letters of scripts with capitals, and whatever lies beyond them: a digit or a
  // mark taken for a letter only makes the hint kinder.
  function isLetter(c) {
    return c.toLowerCase() !== c.toUpperCase() || c > "\u02ff";
  }

  function parts(text) {
    return Array.from(text, (c) => isLetter(c) ? c : " ").join("").split(" ");
  }

  function fold(text) {
    return text.normalize("NFKC").toUpperCase().toLowerCase();
  }

  // What the person is called, on this form and in the account: whole, the two
  // halves of an address, and every part of three letters or more.
  function ownWords(form, password) {
    const texts = [form.dataset.own || ""];
    for (const input of form.elements) {
      if (input !== password && ["username", "name"].includes(input.autocomplete)) texts.push(input.value);
    }
    const words = new Set();
    for (const text of texts.map(fold)) {
      for (const word of [text.trim(), ...text.split("@"), ...parts(text)]) {
        if (count(word) >= 3) words.add(word);
      }
    }
    return [...words].sort((a, b) => b.length - a.length);
  }

  // Whether a password is nothing but such words and up to ten fillers.
  function madeOf(password, words) {
    let rest = fold(password);
    const before = rest;
    for (const word of words) rest = rest.split(word).join("");
    return rest !== before && !Array.from(rest).some(isLetter) && count(rest) <= 10;
  }

  // A form is sent once. Coming back to the page, from the history or because
  // the answer never came, makes it ready again.
  function sendOnce(form) {
    const button = form.querySelector('button[type="submit"]');
    const status = form.querySelector("[data-status]");
    let spinner, timer;
    const ready = () => {
      clearTimeout(timer);
      delete form.dataset.sent;
      button.removeAttribute("aria-disabled");
      if (spinner) spinner.remove();
      spinner = undefined;
      status.textContent = "";
    };
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = "true";
      button.setAttribute("aria-disabled", "true");
      spinner = document.createElement("span");
      spinner.className = "spinner";
      spinner.setAttribute("aria-hidden", "true");
      button.append(spinner);
      status.textContent = form.dataset.busy;
      // Where the page came from may have had a fragment, which only the browser
      // knows; it goes along through the redirects.
      if (location.hash && !form.action.includes("#")) form.action += location.hash;
      timer = setTimeout(ready, 15000);
    });
    window.addEventListener("pageshow", (event) => { if (event.persisted) ready(); });
  }
})();
