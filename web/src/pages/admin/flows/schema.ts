/** The schema of flow documents as the designer reads it: what a field holds, and which of them lead to nodes. */
interface JsonSchema {
  readonly type?: string;
  readonly format?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly propertyNames?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxProperties?: number;
}

/** What a value may be. `name`: a text that names something, such as a variable or a queue. */
export type Shape =
  | { readonly type: "node" }
  | { readonly type: "name"; readonly of: string }
  | { readonly type: "expression" }
  | { readonly type: "text"; readonly long: boolean }
  | { readonly type: "number"; readonly whole: boolean; readonly least?: number; readonly most?: number }
  | { readonly type: "flag" }
  | { readonly type: "choice"; readonly of: readonly string[] }
  | { readonly type: "prompt"; readonly parts: readonly Field[] }
  | { readonly type: "list"; readonly item: Shape; readonly filled: boolean }
  | { readonly type: "map"; readonly key: Shape; readonly value: Shape }
  /** `one`: exactly one of its fields is given. */
  | { readonly type: "group"; readonly fields: readonly Field[]; readonly one: boolean }
  | { readonly type: "either"; readonly of: readonly Shape[] };

export interface Field {
  readonly name: string;
  readonly shape: Shape;
  readonly required: boolean;
  readonly fallback: unknown;
  readonly description: string;
}

export interface NodeKind {
  readonly kind: string;
  readonly description: string;
  readonly fields: readonly Field[];
}

export interface FlowSchema {
  readonly kinds: ReadonlyMap<string, NodeKind>;
  /** Of the flow itself, beside its name, its nodes and where they stand. */
  readonly flow: readonly Field[];
}

const BESIDE = ["flow", "nodes", "layout", "recordings"];

export function readSchema(given: unknown): FlowSchema {
  const whole = given as JsonSchema;
  const read = new Reader(whole.$defs ?? {});
  const nodes = read.valueOf(whole.properties?.nodes ?? {});
  const kinds = (nodes?.oneOf ?? []).map((one) => {
    const schema = read.resolved(one);
    const kind = String(schema.properties?.kind?.const);
    return [kind, { kind, description: schema.description ?? "", fields: read.fields(schema, ["kind"]) }] as const;
  });
  return { kinds: new Map(kinds), flow: read.fields(whole, BESIDE) };
}

class Reader {
  readonly #parts: Readonly<Record<string, JsonSchema>>;

  constructor(parts: Readonly<Record<string, JsonSchema>>) {
    this.#parts = parts;
  }

  resolved(schema: JsonSchema): JsonSchema {
    const name = schema.$ref?.replace("#/$defs/", "");
    return name === undefined ? schema : { ...this.#parts[name], ...schema };
  }

  /** What the values of a map are, and undefined for what is no map. */
  valueOf(schema: JsonSchema): JsonSchema | undefined {
    const [own] = Object.values(schema.patternProperties ?? {});
    const other = schema.additionalProperties;
    return own ?? (typeof other === "object" ? other : undefined);
  }

  fields(schema: JsonSchema, without: readonly string[] = []): readonly Field[] {
    return Object.entries(schema.properties ?? {})
      .filter(([name]) => !without.includes(name))
      .map(([name, field]) => ({
        name,
        shape: this.shape(field),
        required: schema.required?.includes(name) ?? false,
        fallback: field.default,
        description: field.description ?? "",
      }));
  }

  shape(given: JsonSchema): Shape {
    const schema = this.resolved(given);
    const some = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].filter((one) => one.type !== "null");
    const [first] = some;
    if (first !== undefined) {
      return some.length === 1 ? this.shape(first) : { type: "either", of: some.map((one) => this.shape(one)) };
    }
    if (schema.enum !== undefined || schema.const !== undefined) {
      return { type: "choice", of: (schema.enum ?? [schema.const]).map(String) };
    }
    switch (schema.type) {
      case "boolean":
        return { type: "flag" };
      case "integer":
      case "number":
        return {
          type: "number",
          whole: schema.type === "integer",
          ...(schema.minimum === undefined ? {} : { least: schema.minimum }),
          ...(schema.exclusiveMinimum === undefined ? {} : { least: schema.exclusiveMinimum }),
          ...(schema.maximum === undefined ? {} : { most: schema.maximum }),
        };
      case "array":
        return { type: "list", item: this.shape(schema.items ?? {}), filled: (schema.minItems ?? 0) > 0 };
      case "object":
        return this.#object(schema);
      default:
        return textual(schema);
    }
  }

  #object(schema: JsonSchema): Shape {
    const value = this.valueOf(schema);
    if (value !== undefined && schema.format === "prompt") {
      return { type: "prompt", parts: this.fields(this.resolved(value.items ?? {})) };
    }
    if (value !== undefined) {
      return { type: "map", key: this.shape({ type: "string", ...schema.propertyNames }), value: this.shape(value) };
    }
    return { type: "group", fields: this.fields(schema), one: schema.maxProperties === 1 };
  }
}

function textual(schema: JsonSchema): Shape {
  switch (schema.format) {
    case undefined:
      return { type: "text", long: (schema.maxLength ?? 0) >= 1000 };
    case "node":
    case "expression":
      return { type: schema.format };
    default:
      return { type: "name", of: schema.format };
  }
}
