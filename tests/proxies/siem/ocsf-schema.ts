/** Compiles the OCSF schema (events, objects, profiles, dictionary) to JSON Schema: what is not declared is refused. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const OCSF = "/work/shared/vectors/ocsf-schema";
export const isThere = existsSync(join(OCSF, "version.json"));

type Attribute = {
  type?: string;
  is_array?: boolean;
  requirement?: string;
  enum?: Record<string, unknown>;
  profile?: string | null;
};
type Attributes = Record<string, Attribute> & { $include?: string[] };
type Declared = {
  name: string;
  extends?: string;
  uid?: number;
  category?: string;
  attributes: Attributes;
  constraints?: { at_least_one?: string[]; just_one?: string[] };
};
type Type = { type?: string; regex?: string; max_len?: number; range?: [number, number]; values?: unknown[] };
type Schema = Record<string, unknown>;

const read = <T>(path: string): T => JSON.parse(readFileSync(join(OCSF, path), "utf8")) as T;

/** JSON Schema of one class, with these profiles applied; its objects under `$defs`. */
export function schemaOfClass(uid: number, profiles: readonly string[]): Schema {
  const dictionary = read<{ attributes: Record<string, Attribute>; types: { attributes: Record<string, Type> } }>(
    "dictionary.json",
  );
  const categories = read<{ attributes: Record<string, { uid: number }> }>("categories.json").attributes;
  const classes = declaredIn("events");
  const objects = declaredIn("objects");
  const needed = new Set<string>();
  const found = [...classes.values()].find((one) => uidOf(one) === uid);
  if (found === undefined) throw new Error(`OCSF has no class ${uid}.`);
  const own = shape(found, classes);
  const fixed = { class_uid: { const: uid }, category_uid: { const: categories[categoryOf(found)]?.uid ?? 0 } };
  const $defs: Record<string, Schema> = {};
  const whole = { ...own, properties: { ...(own["properties"] as Schema), ...fixed } };
  for (let open = missing(); open.length > 0; open = missing())
    for (const name of open) $defs[name] = shape(objects.get(name) as Declared, objects);
  return { ...whole, $defs };

  function missing(): string[] {
    return [...needed].filter((name) => $defs[name] === undefined);
  }

  function uidOf({ uid: local, name, category, ...rest }: Declared): number {
    if (name === "base_event") return 0;
    return local === undefined
      ? -1
      : (categories[categoryOf({ name, ...rest, ...(category && { category }) })]?.uid ?? 0) * 1000 + local;
  }

  function categoryOf(one: Declared): string {
    const parent = one.extends === undefined ? undefined : classes.get(one.extends);
    if (one.category !== undefined) return one.category;
    return parent === undefined ? "other" : categoryOf(parent);
  }

  /** An object or class with all that it inherits and includes. */
  function shape(declared: Declared, kin: Map<string, Declared>): Schema {
    const attributes = inherited(declared, kin);
    const properties: Schema = {};
    const required: string[] = [];
    for (const [name, attribute] of Object.entries(attributes)) {
      const gate = attribute.profile;
      if (typeof gate === "string" && !profiles.includes(gate)) continue;
      const base = dictionary.attributes[name];
      if (base === undefined) throw new Error(`OCSF's dictionary has no ${name}.`);
      const one = { ...base, ...attribute, enum: { ...base.enum, ...attribute.enum } };
      properties[name] = one.is_array ? { type: "array", items: typed(one) } : typed(one);
      if (one.requirement === "required") required.push(name);
    }
    const { at_least_one: some } = constraintsOf(declared, kin);
    const anyOf = some === undefined ? {} : { anyOf: some.map((name) => ({ required: [name] })) };
    const spare = declared.name === "object"; // `unmapped` and the like: any members
    return { type: "object", properties, required, additionalProperties: spare, ...anyOf };
  }

  function constraintsOf(declared: Declared, kin: Map<string, Declared>): NonNullable<Declared["constraints"]> {
    const parent = declared.extends === undefined ? undefined : kin.get(declared.extends);
    return declared.constraints ?? (parent === undefined ? {} : constraintsOf(parent, kin));
  }

  function inherited(declared: Declared, kin: Map<string, Declared>): Record<string, Attribute> {
    const parent = declared.extends === undefined ? undefined : kin.get(declared.extends);
    const { $include = [], ...own } = declared.attributes;
    const all: Record<string, Attribute> = parent === undefined ? {} : { ...inherited(parent, kin) };
    for (const path of $include) {
      const { name, attributes, meta } = read<Declared & { meta?: string }>(path);
      for (const [key, value] of Object.entries(attributes))
        all[key] = { ...(meta === "profile" && all[key] === undefined && { profile: name }), ...all[key], ...value };
    }
    for (const [key, value] of Object.entries(own)) all[key] = { ...all[key], ...(value as Attribute) };
    return all;
  }

  function typed({ type = "string_t", enum: values = {} }: Attribute): Schema {
    const listed = Object.keys(values);
    if (type === "json_t") return {};
    if (!type.endsWith("_t")) {
      if (!objects.has(type)) throw new Error(`OCSF has no object ${type}.`);
      needed.add(type);
      return { $ref: `#/$defs/${type}` };
    }
    const declared = chain(type);
    const kind = {
      string_t: "string",
      integer_t: "integer",
      long_t: "integer",
      float_t: "number",
      boolean_t: "boolean",
    }[declared.root];
    if (kind === undefined) throw new Error(`OCSF's type ${type} is not known here.`);
    if (listed.length > 0) return { enum: kind === "integer" ? listed.map(Number) : listed };
    return { type: kind, ...declared.rules };
  }

  function chain(type: string): { root: string; rules: Schema } {
    const { type: base, regex, max_len, range } = dictionary.types.attributes[type] ?? {};
    const own = {
      ...(regex !== undefined && { pattern: regex }),
      ...(max_len !== undefined && { maxLength: max_len }),
      ...(range !== undefined && { minimum: range[0], maximum: range[1] }),
    };
    if (base === undefined) return { root: type, rules: own };
    const below = chain(base);
    return { root: below.root, rules: { ...below.rules, ...own } };
  }
}

function declaredIn(folder: string): Map<string, Declared> {
  const files = readdirSync(join(OCSF, folder), { recursive: true, encoding: "utf8" });
  const declared = files.filter((file) => file.endsWith(".json")).map((file) => read<Declared>(join(folder, file)));
  return new Map(declared.map((one) => [one.name, one]));
}
