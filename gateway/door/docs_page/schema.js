// Schemas: naming their types, listing their fields, and making examples of them.

export class Schemas {
  constructor(document) {
    this.known = document.components.schemas;
  }

  // Follow a reference; a nullable schema is its one real alternative.
  plain(schema) {
    let found = schema ?? {};
    for (let step = 0; step < 20; step += 1) {
      if (found.$ref) found = { ...this.known[found.$ref.split("/").pop()], ...without(found, "$ref") };
      else if (alternatives(found).length === 1) found = { ...without(found, "anyOf", "oneOf"), ...alternatives(found)[0], optional: true };
      else if (found.allOf?.length === 1) found = { ...without(found, "allOf"), ...found.allOf[0] };
      else break;
    }
    return found;
  }

  type(schema) {
    const found = this.plain(schema);
    const others = alternatives(found);
    if (others.length > 1) return others.map((other) => this.type(other)).join(" or ");
    if (found.const !== undefined) return JSON.stringify(found.const);
    if (found.enum) return found.enum.length <= 8 ? found.enum.map((value) => JSON.stringify(value)).join(" | ") : "code";
    if (found.type === "array") return `list of ${this.type(found.items)}`;
    if (found.type === "object" || found.properties) return found.properties ? (found.title ?? "object") : "map";
    return [found.type ?? "any", found.format ? `(${found.format})` : ""].join(" ").trim();
  }

  // The object schema whose fields a reader wants to see below a field, if there is one.
  inner(schema) {
    let found = this.plain(schema);
    if (found.type === "array") found = this.plain(found.items);
    if (found.additionalProperties?.$ref) found = this.plain(found.additionalProperties);
    return found.properties ? found : null;
  }

  limits(schema) {
    const found = this.plain(schema);
    const told = [];
    if (found.minLength > 1 || found.maxLength) told.push(`${found.minLength ?? 0}–${found.maxLength ?? "…"} characters`);
    if (found.minItems || found.maxItems) told.push(`${found.minItems ?? 0}–${found.maxItems ?? "…"} items`);
    if (found.minimum !== undefined || found.maximum !== undefined) told.push(`${found.minimum ?? "…"} to ${found.maximum ?? "…"}`);
    if (found.default !== undefined && found.default !== null && found.default !== "") told.push(`default ${JSON.stringify(found.default)}`);
    if (schema?.anyOf?.some((one) => one.type === "null")) told.push("may be null");
    return told.join(" · ");
  }

  example(schema, name = "", depth = 0) {
    const found = this.plain(schema);
    if (found.examples?.length) return found.examples[0];
    if (found.example !== undefined) return found.example;
    if (found.default !== undefined && found.default !== null && found.default !== "") return found.default;
    if (found.const !== undefined) return found.const;
    if (found.enum) return preferred(found.enum);
    const others = alternatives(found);
    if (others.length) return this.example(others.find((one) => this.plain(one).type === "string") ?? others[0], name, depth);
    if (found.type === "array") return depth > 5 ? [] : [this.example(found.items, name, depth + 1)];
    if (found.properties) return this.exampleObject(found, depth);
    if (found.type === "object") return {};
    if (found.type === "integer" || found.type === "number") return found.minimum ?? 1;
    if (found.type === "boolean") return true;
    return text(found, name);
  }

  exampleObject(found, depth) {
    if (depth > 5) return {};
    const needed = new Set(found.required ?? []);
    const entries = Object.entries(found.properties).filter(([name]) => needed.has(name) || depth === 0);
    return Object.fromEntries(entries.map(([name, field]) => [name, this.example(field, name, depth + 1)]));
  }
}

function without(object, ...names) {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function alternatives(schema) {
  return (schema.anyOf ?? schema.oneOf ?? []).filter((one) => one.type !== "null");
}

function preferred(codes) {
  return ["EUR", "DE"].find((code) => codes.includes(code)) ?? codes[0];
}

const TEXTS = {
  name: "Acme", legal_name: "Acme Ltd", email: "jane@example.com", time_zone: "Europe/Berlin", sku: "SKU-1",
  country: "GB", currency: "EUR", state: "active", kind: "live", services: "orders", scopes: "orders:read", scope: "orders:read",
  token_type: "Bearer", access_token: "eyJhbGciOiJFZDI1NTE5…", client_id: "cl_5f0c…", client_secret: "bo_secret_…", key: "bo_live_…",
  prefix: "bo_live_4b1f09ac", allowed_actions: "close", next: null, amount: "18.06", quantity: "1", rate: "19", line1: "1 High Street", city: "Leeds", postal_code: "LS1 1AA", reason: "as agreed",
};

function text(schema, name) {
  if (schema.format === "uuid") return "019353e2-7a61-7c11-b9d1-3f6c2a9d5e10";
  if (schema.format === "date-time") return "2026-03-01T09:00:00Z";
  if (schema.format === "date") return "2026-03-01";
  if (schema.format === "email") return TEXTS.email;
  if (name in TEXTS) return TEXTS[name];
  if (/^\^-?\(?[0-9[(]/.test(schema.pattern ?? "")) return "1";
  return name ? name.replaceAll("_", " ") : "text";
}
