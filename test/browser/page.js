// What the browser tests ask a page, as functions of globalThis.look. They are evaluated from outside the page, so they work
// where scripts are off and under any content security policy. Each returns a list of sentences, one for each fault, or data.
globalThis.look = (() => {
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);

  // seen: somebody with eyes finds it. What is there for screen readers alone is a box of one pixel.
  function seen(e) {
    const box = e.getBoundingClientRect();
    return e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && box.width > 1 && box.height > 1;
  }

  function named(e) {
    let name = e.localName;
    if (e.id) name += "#" + e.id;
    else if (e.name) name += `[name="${e.name}"]`;
    else if (e.classList.length) name += "." + [...e.classList].join(".");
    const text = (e.innerText ?? "").trim().replace(/\s+/g, " ").slice(0, 40);
    return text ? `${name} "${text}"` : name;
  }

  // fits: nothing is wider than the window, and no text is cut off or hangs out of its box.
  function fits() {
    const faults = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) faults.push(`the page is ${root.scrollWidth} px wide in a window of ${root.clientWidth} px`);
    for (const e of all("body *")) {
      const box = e.getBoundingClientRect();
      if (box.left < -0.5 || box.right > root.clientWidth + 0.5) {
        faults.push(`${named(e)} reaches from ${Math.round(box.left)} to ${Math.round(box.right)} px in a window of ${root.clientWidth} px`);
      }
      if (e instanceof HTMLInputElement || e instanceof SVGElement || getComputedStyle(e).display.startsWith("inline") && !e.matches("button")) continue;
      if (e.scrollWidth > e.clientWidth + 1) faults.push(`${named(e)} holds ${e.scrollWidth} px in a width of ${e.clientWidth} px`);
      if (getComputedStyle(e).overflowY !== "visible" && e.scrollHeight > e.clientHeight + 1) {
        faults.push(`${named(e)} holds ${e.scrollHeight} px in a height of ${e.clientHeight} px`);
      }
    }
    return faults;
  }

  // apart: no control lies over another one.
  function apart() {
    const faults = [];
    const list = all("a[href], button, input:not([type=hidden]), select, textarea");
    list.forEach((a, i) => list.slice(i + 1).forEach((b) => {
      const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
      const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left), high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
      // A button inside the end of a field is meant, as long as the field keeps its text away from there.
      const inside = a.matches("input") && b.matches("button") && wide <= Math.max(parseFloat(getComputedStyle(a).paddingInlineEnd), 0) + 1;
      if (wide > 1 && high > 1 && !inside) faults.push(`${named(a)} and ${named(b)} lie over each other by ${Math.round(wide)} by ${Math.round(high)} px`);
    }));
    return faults;
  }

  // large: what a form or a page mainly does is 44 px high, and so are the fields; everything else has 24 px. A link in a
  // sentence is as high as its line, which WCAG 2.5.8 allows.
  function large() {
    const faults = [];
    for (const e of all("a[href], button, input:not([type=hidden]), select, summary")) {
      const box = e.getBoundingClientRect();
      const main = e.matches("button[type=submit], a.button, input:not([type=checkbox], [type=radio])");
      const least = main ? 44 : 24;
      const flows = e.matches("a") && getComputedStyle(e).display === "inline";
      if (!flows && (box.height < least - 0.1 || box.width < least - 0.1)) {
        faults.push(`${named(e)} is ${box.width.toFixed(1)} by ${box.height.toFixed(1)} px, want at least ${least}`);
      }
    }
    return faults;
  }

  // The colours as numbers: whatever a stylesheet calls them, a canvas says what they are.
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  function rgba(colour) {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
    return { r, g, b, a: a / 255 };
  }
  function ground(e) {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c.a > 0.99) return c;
    }
    return rgba(getComputedStyle(document.documentElement).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#fff");
  }
  // WCAG 2.2, relative luminance and contrast ratio.
  function ratio(p, q) {
    const [light, dark] = [p, q].map(({ r, g, b }) => {
      const [x, y, z] = [r, g, b].map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    }).sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  // outlined: the edge of a field or of a button stands out from what is around it (WCAG 1.4.11), which axe does not measure.
  function outlined() {
    const faults = [];
    for (const e of all("input:not([type=hidden]), button[type=submit], a.button")) {
      const style = getComputedStyle(e), around = ground(e.parentElement);
      const edge = parseFloat(style.borderTopWidth) > 0 && style.borderTopStyle !== "none" ? rgba(style.borderTopColor) : { a: 0 };
      const best = Math.max(edge.a > 0.9 ? ratio(edge, around) : 1, ratio(ground(e), around));
      if (best < 3) faults.push(`the edge of ${named(e)} has a contrast of ${best.toFixed(2)} to what is around it, want 3`);
    }
    return faults;
  }

  const reachable = "a[href], button:not([disabled]), input:not([type=hidden], [disabled]), select, textarea, summary, [tabindex]";

  // order: the controls as the eye meets them, from line to line in the direction of reading.
  function order() {
    const backwards = getComputedStyle(document.documentElement).direction === "rtl";
    return all(reachable).filter((e) => e.tabIndex >= 0).map((e) => ({ e, box: e.getBoundingClientRect() })).sort((a, b) => {
      const shared = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (shared > Math.min(a.box.height, b.box.height) / 2) return (a.box.left - b.box.left) * (backwards ? -1 : 1);
      return a.box.top - b.box.top;
    }).map(({ e }) => named(e));
  }

  // top puts the keyboard before everything on the page.
  function top() {
    document.body.tabIndex = -1;
    document.body.focus({ preventScroll: true });
    document.body.removeAttribute("tabindex");
    scrollTo(0, 0);
  }

  // focus: what the keyboard is on, and what is wrong with how that shows.
  function focus() {
    rest();
    const e = document.activeElement, faults = [];
    if (!e || e === document.body) return { name: "", faults };
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) faults.push(`${named(e)} shows no outline of 2 px when the keyboard is on it`);
    else {
      const contrast = ratio(rgba(style.outlineColor), ground(parseFloat(style.outlineOffset) < 0 ? e : e.parentElement));
      if (contrast < 3) faults.push(`the outline of ${named(e)} has a contrast of ${contrast.toFixed(2)}, want 3`);
    }
    const there = document.elementFromPoint(box.left + Math.min(box.width / 2, 8), box.top + box.height / 2);
    if (!there || !(e.contains(there) || there.contains(e))) faults.push(`${named(e)} is covered or out of sight while the keyboard is on it`);
    return { name: named(e), faults };
  }

  // rest ends every transition that is under way, as if time had passed.
  function rest() {
    for (const a of document.getAnimations()) {
      if (Number.isFinite(a.effect.getComputedTiming().endTime)) a.finish();
    }
  }

  // forms: every form as a password manager reads it.
  function forms() {
    return [...document.forms].map((f) => ({
      action: new URL(f.action).pathname,
      method: f.method,
      autocomplete: f.getAttribute("autocomplete") ?? "",
      submits: [...f.querySelectorAll("button, input[type=submit]")].filter((b) => b.type === "submit").length,
      fields: [...f.elements].filter((e) => e.matches("input") && e.type !== "hidden").map((e) => ({
        name: e.name, type: e.type, autocomplete: e.autocomplete, id: e.id,
        value: e.type === "password" ? "" : e.value,
        readOnly: e.readOnly, required: e.required, seen: seen(e), disabled: e.disabled,
        labels: [...e.labels].map((l) => l.innerText.trim()).join(" / "),
        handlers: e.getAttributeNames().filter((n) => n.startsWith("on")).length,
      })),
    }));
  }

  return { fits, apart, large, outlined, order, top, focus, rest, forms };
})();
