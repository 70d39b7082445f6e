// The page shows openapi.json and sends requests. Everything is put into the page
// as text, never as markup; the key stands in its input and nowhere else.
(async () => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const el = (tag, props = {}, ...children) => {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (name in e && name !== "list") e[name] = value; else e.setAttribute(name, value);
    }
    e.append(...children);
    return e;
  };
  // `code` in a text, and nothing else, is marked up.
  const prose = (text) => text.split("`").map((part, i) => (i % 2 ? el("code", { textContent: part }) : part));

  let api;
  try {
    api = await (await fetch("openapi.json", { cache: "no-store" })).json();
  } catch {
    $("intro").append(el("p", { textContent: "openapi.json could not be read. Load the page again." }));
    return;
  }
  const base = new URL(api.servers[0].url, location).pathname;
  $("version").textContent = api.info.version;
  for (const paragraph of api.info.description.split("\n\n")) $("intro").append(el("p", {}, ...prose(paragraph)));

  const resolve = (schema) => (schema && schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema) || {};
  const typeOf = (schema) => {
    const s = resolve(schema);
    const types = [s.type].flat().filter(Boolean);
    const name = types.map((t) => (t === "array" ? `list of ${typeOf(s.items)}` : s.format ? `${t} (${s.format})` : t)).join(" or ");
    return s.enum ? s.enum.map((v) => JSON.stringify(v)).join(" or ") : name || "any";
  };
  const example = (schema, depth = 0) => {
    const s = resolve(schema);
    if (s.examples) return s.examples[0];
    if (s.default !== undefined) return s.default;
    if (s.enum) return s.enum[0];
    const type = [s.type].flat()[0];
    if (type === "object") {
      const out = {};
      for (const [name, member] of Object.entries(s.properties || {})) {
        if (depth < 2 && (s.required || []).includes(name)) out[name] = example(member, depth + 1);
      }
      return out;
    }
    return { array: [], boolean: false, integer: s.minimum ?? 0, number: 0 }[type] ?? "";
  };
  const limits = (s) =>
    [
      s.minLength && `${s.minLength} characters at least`, s.maxLength && `${s.maxLength} characters at most`, s.maxItems && `${s.maxItems} at most`,
      s.minimum !== undefined && `from ${s.minimum}`, s.maximum !== undefined && `to ${s.maximum}`, s.default !== undefined && `default ${s.default}`,
    ].filter(Boolean).join(", ");
  const row = (name, required, schema, about) => {
    const s = resolve(schema);
    const cell = el("td", {}, el("code", { textContent: name }));
    if (required) cell.append(" ", el("span", { className: "required", textContent: "required" }));
    return el("tr", {}, cell, el("td", { textContent: typeOf(schema) }), el("td", {}, ...prose([about || s.description || "", limits(s)].filter(Boolean).join(" — "))));
  };
  const table = (caption, rows) => {
    const head = el("thead", {}, el("tr", {}, ...["Name", "Type", "Meaning"].map((t) => el("th", { textContent: t, scope: "col" }))));
    return [el("h3", { textContent: caption }), el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption }, el("table", {}, head, el("tbody", {}, ...rows)))];
  };
  const members = (caption, schema) => {
    const s = resolve(schema);
    if (!s.properties) return [];
    return table(caption, Object.entries(s.properties).map(([name, m]) => row(name, (s.required || []).includes(name), m)));
  };

  const send = async (method, path, headers, body) => {
    const key = $("key").value.trim();
    const init = { method, headers: { accept: "application/json", ...headers }, cache: "no-store", redirect: "error", credentials: key ? "omit" : "same-origin" };
    if (key) init.headers["x-api-key"] = key;
    if (method !== "GET") {
      init.headers["content-type"] = "application/json";
      init.body = body ?? "{}";
    }
    return fetch(base + path, init);
  };

  // form is what tries one operation.
  const form = (method, path, op) => {
    const fields = (op.parameters || []).map((p) => {
      const id = `${op.operationId}-${p.name}`;
      const s = resolve(p.schema);
      const options = s.enum || ([s.type].flat().includes("boolean") ? ["true", "false"] : null);
      const input = options
        ? el("select", { id }, ...["", ...options].map((v) => el("option", { value: v, textContent: v })))
        : el("input", { id, type: "text", autocomplete: "off", spellcheck: false, required: Boolean(p.required) && p.in !== "header" });
      return { ...p, input, view: el("div", {}, el("label", { htmlFor: id, textContent: p.name }), input) };
    });
    const content = op.requestBody?.content["application/json"];
    const id = `${op.operationId}-body`;
    const body = content && el("textarea", { id, spellcheck: false, value: JSON.stringify(example(content.schema), null, 2) });
    const answer = el("div", { role: "status" });
    const f = el("form", { className: "try" }, el("h3", { textContent: "Try it" }));
    if (fields.length) f.append(el("div", { className: "fields" }, ...fields.map((p) => p.view)));
    if (body) f.append(el("div", { className: "body" }, el("label", { htmlFor: id, textContent: "Body" }), body));
    const button = el("button", { type: "submit", className: "send", textContent: "Send" });
    f.append(el("div", { className: "buttons" }, button), answer);
    f.addEventListener("submit", async (event) => {
      event.preventDefault();
      const query = new URLSearchParams();
      const headers = {};
      let at = path;
      for (const p of fields) {
        const value = p.input.value;
        if (p.in === "path") at = at.replace(`{${p.name}}`, encodeURIComponent(value));
        else if (value && p.in === "query") query.set(p.name, value);
        else if (value) headers[p.name] = value;
      }
      button.disabled = true;
      try {
        const r = await send(method, at + (query.size ? `?${query}` : ""), headers, body?.value);
        const text = await r.text();
        let pretty = text;
        try { pretty = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
        const shown = ["etag", "location", "link", "retry-after", "idempotency-replayed", "x-request-id"].filter((n) => r.headers.has(n)).map((n) => `${n}: ${r.headers.get(n)}`);
        answer.replaceChildren(
          el("p", { className: `status ${r.ok ? "good" : "bad"}`, textContent: `${r.status} ${r.statusText}` }),
          el("pre", { tabIndex: 0, textContent: [...shown, "", pretty].join("\n").trim() }),
        );
        const version = r.headers.get("etag");
        const match = fields.find((p) => p.name === "If-Match");
        if (version && match) match.input.value = version;
      } catch {
        answer.replaceChildren(el("p", { className: "status bad", textContent: "The server could not be reached." }));
      } finally {
        button.disabled = false;
      }
    });
    return f;
  };

  const inside = (method, path, op) => {
    const parts = (op.description || "").split("\n\n").filter(Boolean).map((text) => el("p", {}, ...prose(text)));
    if (op.parameters?.length) parts.push(...table("Parameters", op.parameters.map((p) => row(p.name, p.required, p.schema, p.description))));
    parts.push(...members("Body", op.requestBody?.content["application/json"]?.schema));
    const good = Object.keys(op.responses).find((s) => s < "300");
    parts.push(...members(`Answer ${good}`, op.responses[good].content?.["application/json"]?.schema));
    parts.push(el("h3", { textContent: "Refusals" }));
    parts.push(el("ul", {}, ...Object.entries(op.responses).filter(([s]) => s >= "300").map(([s, r]) => el("li", {}, `${s} `, ...prose(r.description)))));
    parts.push(form(method, path, op));
    return el("div", { className: "inside" }, ...parts);
  };

  // Lists and what makes one come first, then what is done with one, then what is below it.
  const methods = ["get", "post", "put", "patch", "delete"];
  const depth = (path) => path.split("/").length;
  const paths = Object.keys(api.paths).sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  const heading = (tag) => tag.replace("api-", "API ").replace(/^./, (c) => c.toUpperCase());

  const found = [];
  for (const tag of api.tags) {
    const name = heading(tag.name);
    const section = el("section", { "aria-label": name }, el("h2", { textContent: name }), el("p", { textContent: tag.description }));
    const list = el("ul");
    for (const path of paths) {
      for (const method of methods) {
        const op = api.paths[path][method];
        if (!op?.tags?.includes(tag.name)) continue;
        const METHOD = method.toUpperCase();
        const details = el("details", { className: "operation", id: op.operationId },
          el("summary", {}, el("span", { className: `method ${method}`, textContent: METHOD }), el("span", { className: "path", textContent: path }), el("span", { className: "summary", textContent: op.summary })));
        details.addEventListener("toggle", () => { if (details.open && details.childElementCount === 1) details.append(inside(METHOD, path, op)); });
        const link = el("li", {}, el("a", { href: `#${op.operationId}`, textContent: op.summary }));
        link.firstChild.addEventListener("click", () => { details.open = true; });
        section.append(details);
        list.append(link);
        found.push({ text: [op.operationId, op.summary, METHOD, path, op["x-permission"]].join(" ").toLowerCase(), details, link, section });
      }
    }
    if (!list.childElementCount) continue;
    $("operations").append(section);
    $("contents").append(el("h2", { textContent: name }), list);
  }

  const filter = () => {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const seen = new Set();
    for (const f of found) {
      const hit = words.every((w) => f.text.includes(w));
      f.details.hidden = f.link.hidden = !hit;
      if (hit) seen.add(f.section);
    }
    for (const f of found) f.section.hidden = !seen.has(f.section);
    $("nothing").hidden = seen.size > 0;
  };
  $("search").addEventListener("input", filter);

  const open = () => {
    const asked = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!(asked instanceof HTMLDetailsElement)) return;
    if (asked.hidden) {
      $("search").value = "";
      filter();
    }
    asked.open = true;
    asked.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();

  addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      $("search").focus();
    }
  });

  $("credentials").addEventListener("submit", async (event) => {
    event.preventDefault();
    const who = $("who");
    try {
      const r = await send("GET", "/self", {});
      const said = await r.json();
      who.className = r.ok ? "" : "bad";
      who.textContent = r.ok ? `${said.api_key_id || said.user_id}: ${said.permissions.length ? said.permissions.length + " permissions" : "no permission here"}` : said.detail;
    } catch {
      who.className = "bad";
      who.textContent = "The server could not be reached.";
    }
  });
})();
