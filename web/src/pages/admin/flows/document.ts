/**
 * A flow document and what is done to it, without a page: everything gives a new document.
 *
 * A draft need not be legal, and may have come from a file: what does not look like a node is left as it is.
 */
import type { Field, FlowSchema, NodeKind, Shape } from "./schema";

export type NodeDocument = Readonly<Record<string, unknown>>;
export interface Place {
  readonly x: number;
  readonly y: number;
}
export type FlowDocument = Readonly<Record<string, unknown>>;

/** A way out of a node: the path of the field that says where to, below the node. */
export interface Exit {
  readonly path: string;
  readonly target: string | null;
  /** It has to lead somewhere. */
  readonly required: boolean;
  /** Leads nowhere yet; connecting it makes one more key or case. */
  readonly more?: boolean;
}

type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function nodesOf(document: FlowDocument): Readonly<Record<string, NodeDocument>> {
  const entries = isTree(document.nodes) ? Object.entries(document.nodes) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, NodeDocument] => isTree(entry[1])));
}

export function kindOf(node: NodeDocument | undefined): string {
  return typeof node?.kind === "string" ? node.kind : "";
}

export function languagesOf(document: FlowDocument): readonly string[] {
  const found = Array.isArray(document.languages) ? document.languages.map(String) : [];
  return found.length > 0 ? found : ["zh", "en"];
}

export function placesOf(document: FlowDocument): Readonly<Record<string, Place>> {
  const entries = isTree(document.layout) ? Object.entries(document.layout) : [];
  return Object.fromEntries(
    entries.flatMap(([name, at]) =>
      isTree(at) && typeof at.x === "number" && typeof at.y === "number" ? [[name, { x: at.x, y: at.y }] as const] : [],
    ),
  );
}

/** Put a value at a path (`cases.0.next`); undefined takes the field away, or what is in the list. */
export function setAt(tree: unknown, path: string, value: unknown): Tree {
  return put(tree, path.split("."), value) as Tree;
}

export function valueAt(tree: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, step) => (inner as Tree | undefined)?.[step], tree);
}

function put(tree: unknown, [step = "", ...rest]: readonly string[], value: unknown): unknown {
  if (Array.isArray(tree)) {
    const list = tree as readonly unknown[];
    const place = Number(step);
    const next = rest.length === 0 ? value : put(list[place], rest, value);
    return next === undefined ? list.filter((_one, at) => at !== place) : [...list.slice(0, place), next, ...list.slice(place + 1)];
  }
  const here = isTree(tree) ? tree : {};
  const next = rest.length === 0 ? value : put(here[step], rest, value);
  if (next === undefined) {
    return Object.fromEntries(Object.entries(here).filter(([name]) => name !== step));
  }
  return { ...here, [step]: next };
}

// --- exits ----------------------------------------------------------------------------------------------------

const NO_KIND: readonly Field[] = [];

export function exitsOf(kind: NodeKind | undefined, node: NodeDocument): readonly Exit[] {
  return exitsIn(kind?.fields ?? NO_KIND, node, "");
}

function exitsIn(fields: readonly Field[], tree: Tree, before: string): readonly Exit[] {
  return fields.flatMap(({ name, shape, required }) => exitsAt(shape, tree[name], before + name, required));
}

function exitsAt(shape: Shape, value: unknown, path: string, required: boolean): readonly Exit[] {
  switch (shape.type) {
    case "node":
      return [{ path, target: typeof value === "string" && value !== "" ? value : null, required }];
    case "group":
      return exitsIn(shape.fields, isTree(value) ? value : {}, `${path}.`);
    case "map":
      if (!leads(shape.value)) {
        return [];
      }
      return [
        ...Object.entries(isTree(value) ? value : {}).flatMap(([key, one]) => exitsAt(shape.value, one, `${path}.${key}`, true)),
        { path: `${path}.+`, target: null, required: false, more: true },
      ];
    case "list":
      if (!leads(shape.item)) {
        return [];
      }
      return [
        ...(Array.isArray(value) ? value : []).flatMap((one, at) => exitsAt(shape.item, one, `${path}.${String(at)}`, true)),
        { path: `${path}.+`, target: null, required: false, more: true },
      ];
    default:
      return [];
  }
}

function leads(shape: Shape): boolean {
  return shape.type === "node" || (shape.type === "group" && shape.fields.some((field) => leads(field.shape)));
}

export const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "*", "#"];

/** Lead an exit to a node, or with null nowhere. An exit that makes one more takes the next free key. */
export function lead(schema: FlowSchema, node: NodeDocument, path: string, target: string | null): NodeDocument {
  if (!path.endsWith(".+")) {
    return setAt(node, path, target ?? undefined);
  }
  const field = path.slice(0, -2);
  const shape = schema.kinds.get(kindOf(node))?.fields.find(({ name }) => name === field)?.shape;
  const there = valueAt(node, field);
  if (target === null || shape === undefined) {
    return node;
  }
  if (shape.type === "list") {
    const list: readonly unknown[] = Array.isArray(there) ? there : [];
    const inner = shape.item.type === "group" ? shape.item.fields.find(({ shape: one }) => one.type === "node") : undefined;
    const fresh = inner === undefined ? target : { ...(freshOf(shape.item) as Tree), [inner.name]: target };
    return setAt(node, field, [...list, fresh]);
  }
  const map = isTree(there) ? there : {};
  const isKey = shape.type === "map" && shape.key.type === "name" && shape.key.of === "key";
  const key = isKey ? KEYS.find((one) => !(one in map)) : freeName("way", map);
  return key === undefined ? node : setAt(node, field, { ...map, [key]: target });
}

// --- nodes ----------------------------------------------------------------------------------------------------

/** A name that is not taken: `menu`, `menu_2`, … */
export function freeName(wanted: string, taken: Tree): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}_${String(number)}`;
    if (!(name in taken)) {
      return name;
    }
  }
}

/** What a value of this shape is before anybody filled it in; undefined: nothing. */
export function freshOf(shape: Shape): unknown {
  switch (shape.type) {
    case "group":
      return shape.one ? {} : Object.fromEntries(freshFields(shape.fields));
    case "prompt":
    case "map":
      return {};
    case "list":
      return shape.filled && leads(shape.item) ? [] : shape.filled ? present(freshOf(shape.item)) : [];
    case "choice":
      return shape.of[0];
    case "number":
      return shape.least !== undefined && shape.least >= 1 ? shape.least : undefined;
    case "either":
      return shape.of[0] === undefined ? undefined : freshOf(shape.of[0]);
    default:
      return undefined;
  }
}

const present = (value: unknown) => (value === undefined ? [] : [value]);

function freshFields(fields: readonly Field[]): readonly (readonly [string, unknown])[] {
  return fields.flatMap(({ name, shape, required }) => {
    const value = required ? freshOf(shape) : undefined;
    return value === undefined ? [] : [[name, value] as const];
  });
}

export function freshNode(kind: NodeKind): NodeDocument {
  return { kind: kind.kind, ...Object.fromEntries(freshFields(kind.fields)) };
}

export function addNode(document: FlowDocument, name: string, node: NodeDocument, at: Place): FlowDocument {
  const nodes = isTree(document.nodes) ? document.nodes : {};
  const start = typeof document.start === "string" && document.start in nodes ? document.start : name;
  return { ...document, start, layout: { ...placesOf(document), [name]: at }, nodes: { ...nodes, [name]: node } };
}

export function setNode(document: FlowDocument, name: string, node: NodeDocument): FlowDocument {
  return { ...document, nodes: { ...(isTree(document.nodes) ? document.nodes : {}), [name]: node } };
}

export function moveNodes(document: FlowDocument, places: Readonly<Record<string, Place>>): FlowDocument {
  return { ...document, layout: { ...placesOf(document), ...places } };
}

/** Take nodes away, with every way that led to them. */
export function removeNodes(schema: FlowSchema, document: FlowDocument, names: readonly string[]): FlowDocument {
  const without = names.reduce((left, name) => redirect(schema, left, name, null), document);
  const kept = (tree: Tree) => Object.fromEntries(Object.entries(tree).filter(([name]) => !names.includes(name)));
  return { ...without, layout: kept(placesOf(without)), nodes: kept(isTree(without.nodes) ? without.nodes : {}) };
}

/** Give a node another name, everywhere; nodes keep their order. */
export function renameNode(schema: FlowSchema, document: FlowDocument, name: string, to: string): FlowDocument {
  const renamed = (tree: Tree) => Object.fromEntries(Object.entries(tree).map(([key, value]) => [key === name ? to : key, value]));
  const led = redirect(schema, document, name, to);
  return { ...led, layout: renamed(placesOf(led)), nodes: renamed(isTree(led.nodes) ? led.nodes : {}) };
}

/** Lead all ways to a node elsewhere, or with null nowhere. */
function redirect(schema: FlowSchema, document: FlowDocument, from: string, to: string | null): FlowDocument {
  const led = (fields: readonly Field[], tree: Tree) =>
    exitsIn(fields, tree, "")
      .filter(({ target }) => target === from)
      .reduceRight<Tree>((inner, { path }) => setAt(inner, path, to ?? undefined), tree);
  const nodes = Object.entries(isTree(document.nodes) ? document.nodes : {}).map(([name, node]) => [
    name,
    isTree(node) ? led(schema.kinds.get(kindOf(node))?.fields ?? NO_KIND, node) : node,
  ]);
  return { ...led(schema.flow, document), nodes: Object.fromEntries(nodes) as Tree };
}

// --- what else the page asks ----------------------------------------------------------------------------------

/** Every variable that the document writes somewhere, and those that are always there. */
export function variablesOf(schema: FlowSchema, document: FlowDocument): readonly string[] {
  const found = new Set<string>(["caller", "dialled", "language"]);
  for (const name of Object.keys(isTree(document.variables) ? document.variables : {})) {
    found.add(name);
  }
  const walk = (shape: Shape, value: unknown): void => {
    if (shape.type === "name" && shape.of === "variable" && typeof value === "string") {
      found.add(value);
    } else if (shape.type === "group" && isTree(value)) {
      for (const field of shape.fields) {
        walk(field.shape, value[field.name]);
      }
    } else if (shape.type === "list" && Array.isArray(value)) {
      for (const one of value) {
        walk(shape.item, one);
      }
    } else if (shape.type === "map" && isTree(value)) {
      for (const [key, one] of Object.entries(value)) {
        walk(shape.key, key);
        walk(shape.value, one);
      }
    }
  };
  for (const node of Object.values(nodesOf(document))) {
    for (const { name, shape } of schema.kinds.get(kindOf(node))?.fields ?? NO_KIND) {
      walk(shape, node[name]);
    }
  }
  return [...found].sort();
}

/** The words of a prompt in a language, its values in braces. */
export function wordsOf(prompt: unknown, language: string): string {
  const parts = isTree(prompt) ? prompt[language] : undefined;
  if (typeof parts === "string") {
    return parts;
  }
  return (Array.isArray(parts) ? parts : [])
    .flatMap((part) => (isTree(part) ? Object.entries(part) : []))
    .map(([reading, value]) => (reading === "text" ? String(value) : `{${String(value)}}`))
    .join(" ");
}

/** The node that a problem is of (`nodes.menu.choices.2` → `menu`), and the field below it. */
export function whereOf(path: string): { readonly node: string | null; readonly field: string } {
  const [first, node, ...rest] = path.split(".");
  return first === "nodes" && node !== undefined ? { node, field: rest.join(".") } : { node: null, field: path };
}

/** Names of nodes that are different in two documents. */
export function differing(one: FlowDocument, other: FlowDocument): readonly string[] {
  const [before, after] = [nodesOf(one), nodesOf(other)];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}
