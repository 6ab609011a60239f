// Renders /openapi.json: an index by service and tag, and every operation with scope, fields and an example.
import { Schemas } from "/docs/schema.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const index = document.getElementById("index");
const content = document.getElementById("content");
const filter = document.getElementById("filter");
let schemas;

// An element; texts are always set as text, so nothing in the document can become markup.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// `code` in plain descriptions.
function prose(text) {
  return text.split(/`([^`]+)`/).map((part, i) => (i % 2 ? make("code", {}, part) : part));
}

function operationsOf(api) {
  const found = [];
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      const tag = operation.tags?.[0] ?? "Other";
      const scope = operation["x-required-scope"] ?? null;
      const id = `${method}${path}`.replace(/[^a-z0-9]+/gi, "-").replace(/-$/, "");
      const words = [method, path, operation.summary, operation.description, scope, tag].join(" ").toLowerCase();
      found.push({ id, path, method, operation, tag, scope, words, service: operation["x-service"] ?? "gateway" });
    }
  }
  return found;
}

function grouped(items, key) {
  const groups = new Map();
  for (const item of items) groups.set(item[key], [...(groups.get(item[key]) ?? []), item]);
  return groups;
}

// "List Api Keys" reads better as "List API keys".
function titled(operation, path) {
  const words = (operation.summary ?? path).toLowerCase().replace(/\bapi\b/g, "API");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function pathOf(path) {
  return make("span", { class: "path" }, ...path.split(/(\{[^}]+\})/).map((part) => (part.startsWith("{") ? make("i", {}, part) : part)));
}

function field(name, schema, required, depth, answer = false) {
  const note = [schema.description ?? schemas.plain(schema).description, schemas.limits(schema)].filter(Boolean).join(" · ");
  const inner = depth < 4 ? schemas.inner(schema) : null;
  const row = make("li", {},
    make("span", { class: "name" }, name), make("span", { class: "type" }, schemas.type(schema)),
    required && !answer ? make("span", { class: "must" }, "required") : null,
    note ? make("span", { class: "note" }, ...prose(note)) : null);
  if (inner) {
    const more = make("details", {}, make("summary", {}, `fields of ${inner.title ?? name}`));
    more.addEventListener("toggle", () => more.children.length === 1 && more.append(fields(inner, depth + 1, answer)));
    row.append(more);
  }
  return row;
}

function fields(schema, depth = 0, answer = false) {
  const found = schemas.plain(schema);
  const needed = new Set(found.required ?? []);
  return make("ul", { class: "fields" }, ...Object.entries(found.properties ?? {}).map(([name, one]) => field(name, one, needed.has(name), depth, answer)));
}

function section(title, ...children) {
  return [make("h4", {}, title), ...children];
}

function bodyOf(operation) {
  const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  return type ? { type, schema: media.schema } : null;
}

function answersOf(operation) {
  const rows = [];
  for (const [status, answer] of Object.entries(operation.responses ?? {})) {
    rows.push(make("p", { class: "answer" }, make("b", {}, status), " ", ...prose(answer.description ?? "")));
    const schema = answer.content?.["application/json"]?.schema;
    if (schema && schemas.inner(schema)) rows.push(fields(schema, 0, true));
  }
  return rows;
}

function curl({ path, method, operation }) {
  const lines = [`curl -X ${method.toUpperCase()} '${location.origin}${path}'`];
  const body = bodyOf(operation);
  if (operation.security?.length !== 0) lines.push(`-H "Authorization: Bearer $TOKEN"`);
  if (operation.parameters?.some((one) => one.name.toLowerCase() === "if-match")) lines.push(`-H 'If-Match: "1"'`);
  if (body?.type === "application/json") {
    lines.push("-H 'Content-Type: application/json'");
    lines.push(`-d '${JSON.stringify(schemas.example(body.schema), null, 2).replaceAll("'", "'\\''")}'`);
  } else if (body?.type === "multipart/form-data") {
    for (const name of Object.keys(schemas.plain(body.schema).properties ?? {})) lines.push(`-F '${name}=${name === "file" ? "@orders.csv" : "{}"}'`);
  } else if (body) {
    lines.push('-u "$CLIENT_ID:$CLIENT_SECRET"', "-d 'grant_type=client_credentials'");
  }
  return lines.join(" \\\n  ");
}

function example(text) {
  const button = make("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1200);
  });
  return make("div", { class: "example" }, make("pre", {}, text), button);
}

function inside(item) {
  const { operation } = item;
  const left = make("div");
  if (operation.description) left.append(...operation.description.split(/\n\n+/).map((part) => make("p", {}, ...prose(part))));
  if (item.scope) left.append(make("p", {}, "Needs the scope ", make("code", {}, item.scope), "."));
  const parameters = (operation.parameters ?? []).map((one) =>
    field(one.name, { ...one.schema, description: [one.description, `in ${one.in}`].filter(Boolean).join(" · ") }, one.required, 9));
  if (parameters.length) left.append(...section("Parameters", make("ul", { class: "fields" }, ...parameters)));
  const body = bodyOf(operation);
  if (body) left.append(...section(`Body · ${body.type}`, fields(body.schema)));
  left.append(...section("Answers", ...answersOf(operation)));
  const right = make("div", {}, ...section("Example", example(curl(item))));
  const good = Object.entries(operation.responses ?? {}).find(([status, one]) => status.startsWith("2") && one.content?.["application/json"]);
  if (good) right.append(...section(`Answer · ${good[0]}`, example(JSON.stringify(schemas.example(good[1].content["application/json"].schema), null, 2))));
  return make("div", { class: "inside" }, left, right);
}

function card(item) {
  const summary = make("summary", {}, make("span", { class: `verb ${item.method}` }, item.method), pathOf(item.path),
    make("span", { class: "about" }, titled(item.operation, item.path)), item.scope ? make("span", { class: "scope" }, item.scope) : null);
  item.card = make("details", { class: "operation", id: item.id }, summary);
  item.card.addEventListener("toggle", () => item.card.open && item.card.children.length === 1 && item.card.append(inside(item)));
  return item.card;
}

function entry(item) {
  item.link = make("a", { href: `#${item.id}`, title: item.path }, make("span", { class: `verb ${item.method}` }, item.method === "delete" ? "del" : item.method),
    make("span", {}, titled(item.operation, item.path)));
  item.row = make("li", {}, item.link);
  return item.row;
}

function render(api, items) {
  document.title = `${api.info.title} API`;
  const intro = api.info.description.trim().split(/\n\n+/).map((part) => make("p", {}, ...prose(part.replaceAll("\n", " "))));
  const count = make("p", { class: "count" });
  content.replaceChildren(make("section", { class: "intro" }, make("h1", {}, `${api.info.title} API`), ...intro, count));
  index.replaceChildren();
  const groups = [];
  for (const [service, ofService] of grouped(items, "service")) {
    const heading = make("h2", {}, service);
    index.append(heading);
    const parts = [];
    for (const [tag, ofTag] of grouped(ofService, "tag")) {
      const title = make("h3", {}, tag);
      const list = make("ul", {}, ...ofTag.map(entry));
      const top = make("h2", { class: "tag" }, tag, make("small", {}, service));
      index.append(title, list);
      content.append(top, ...ofTag.map(card));
      parts.push({ items: ofTag, shown: [title, list, top] });
    }
    groups.push({ heading, parts });
  }
  const none = make("p", { class: "none", hidden: true }, "Nothing matches.");
  content.append(none);
  return { groups, none, count };
}

function narrow(items, page) {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const item of items) {
    const fits = words.every((word) => item.words.includes(word));
    item.card.hidden = item.row.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  for (const { heading, parts } of page.groups) {
    for (const part of parts) for (const element of part.shown) element.hidden = part.items.every((item) => item.card.hidden);
    heading.hidden = parts.every((part) => part.items.every((item) => item.card.hidden));
  }
  page.none.hidden = shown > 0;
  page.count.textContent = shown === items.length ? `${shown} operations` : `${shown} of ${items.length} operations`;
}

function follow(items) {
  const wanted = decodeURIComponent(location.hash.slice(1));
  for (const item of items) {
    const here = item.id === wanted;
    if (here) {
      item.card.hidden = false;
      item.card.open = true;
      item.card.scrollIntoView();
      item.link.setAttribute("aria-current", "true");
      item.link.scrollIntoView({ block: "nearest" });
    } else item.link.removeAttribute("aria-current");
  }
}

try {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`it answered ${answer.status}`);
  const api = await answer.json();
  schemas = new Schemas(api);
  const items = operationsOf(api);
  const page = render(api, items);
  narrow(items, page);
  follow(items);
  filter.addEventListener("input", () => {
    narrow(items, page);
    window.scrollTo(0, 0);
  });
  window.addEventListener("hashchange", () => follow(items));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== filter) {
      event.preventDefault();
      filter.focus();
    }
  });
} catch (error) {
  content.replaceChildren(make("p", { class: "quiet" }, `The API document could not be shown: ${error.message}`));
}
