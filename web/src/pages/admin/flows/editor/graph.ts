/** The document as the canvas draws it: cards with their exits, and lines between them. */
import { Position, type NodeHandle } from "@xyflow/react";
import { type Exit, exitsOf, type FlowDocument, isTree, kindOf, nodesOf, type NodeDocument, type Place, placesOf, wordsOf } from "../document";
import { BOX_WIDTH, layered } from "../layout";
import type { Field, FlowSchema, NodeKind } from "../schema";

export const HEAD_HEIGHT = 46;
export const SUMMARY_HEIGHT = 24;
export const EXIT_HEIGHT = 24;
const FOOT_HEIGHT = 8;
/** The circle that a line begins or ends at, and the border of a card. */
const HANDLE = 9;
const BORDER = 1;
const ENTRY_HEIGHT = 24;

export interface Card {
  readonly name: string;
  readonly kind: string;
  /** The schema has such a kind. */
  readonly known: boolean;
  readonly summary: string;
  readonly exits: readonly Exit[];
  readonly height: number;
  readonly size: { readonly width: number; readonly height: number };
  /** Where lines end at it; told, not measured: who measures has to draw all cards, also those that nobody sees. */
  readonly handles: NodeHandle[];
}

export interface Line {
  readonly id: string;
  readonly from: string;
  readonly exit: string;
  readonly to: string;
}

/** What callers do most stands first; failures last. */
export function weight(path: string): number {
  if (path === "on_error") {
    return 3;
  }
  return path === "fallback" || path === "otherwise" ? 2 : path.includes(".") ? 0 : 1;
}

export function cardOf(schema: FlowSchema, name: string, node: NodeDocument, language: string): Card {
  const kind = schema.kinds.get(kindOf(node));
  const exits = [...exitsOf(kind, node)].sort((one, other) => weight(one.path) - weight(other.path));
  const summary = summaryOf(kind, node, language);
  const height = HEAD_HEIGHT + (summary === "" ? 0 : SUMMARY_HEIGHT) + exits.length * EXIT_HEIGHT + FOOT_HEIGHT;
  const size = { width: BOX_WIDTH, height };
  return { name, kind: kindOf(node), known: kind !== undefined, summary, exits, height, size, handles: handlesOf(summary, exits) };
}

/** As `editor.css` has it. */
function handlesOf(summary: string, exits: readonly Exit[]): NodeHandle[] {
  const handle = (type: "source" | "target", id: string, x: number, y: number): NodeHandle => ({
    id,
    type,
    position: type === "source" ? Position.Right : Position.Left,
    x: x - HANDLE / 2,
    y: y - HANDLE / 2,
    width: HANDLE,
    height: HANDLE,
  });
  const first = HEAD_HEIGHT + BORDER + (summary === "" ? 0 : SUMMARY_HEIGHT) + EXIT_HEIGHT / 2;
  return [
    handle("target", "in", BORDER, ENTRY_HEIGHT),
    ...exits.map(({ path }, row) => handle("source", path, BOX_WIDTH - BORDER, first + row * EXIT_HEIGHT)),
  ];
}

/** The words of the first prompt, else the first thing that the node names. */
function summaryOf(kind: NodeKind | undefined, node: NodeDocument, language: string): string {
  const fields = kind?.fields ?? [];
  const prompts = fields.filter(({ shape }) => shape.type === "prompt").map(({ name }) => promptWords(node[name], language));
  const names = fields.filter((field) => field.name !== "note" && tells(field)).map(({ name }) => node[name]);
  const found = [...prompts, ...names].find((text) => typeof text === "string" && text !== "");
  return typeof found === "string" ? found : "";
}

function promptWords(prompt: unknown, language: string): string {
  const [first = ""] = isTree(prompt) ? Object.keys(prompt) : [];
  return wordsOf(prompt, language) || wordsOf(prompt, first);
}

function tells({ shape }: Field): boolean {
  return shape.type === "name" || shape.type === "text" || shape.type === "choice";
}

export function cardsOf(schema: FlowSchema, document: FlowDocument, language: string): readonly Card[] {
  return Object.entries(nodesOf(document)).map(([name, node]) => cardOf(schema, name, node, language));
}

/** The same, and a node that did not change keeps its card. */
export function cardMaker(schema: FlowSchema, language: string): (document: FlowDocument) => readonly Card[] {
  const made = new WeakMap<NodeDocument, Card>();
  const cardFor = (name: string, node: NodeDocument) => {
    const before = made.get(node);
    const card = before?.name === name ? before : cardOf(schema, name, node, language);
    made.set(node, card);
    return card;
  };
  return (document) => Object.entries(nodesOf(document)).map(([name, node]) => cardFor(name, node));
}

export function linesOf(cards: readonly Card[]): readonly Line[] {
  const names = new Set(cards.map(({ name }) => name));
  return cards.flatMap(({ name, exits }) =>
    exits.flatMap(({ path, target }) =>
      target === null || !names.has(target) ? [] : [{ id: `${name}:${path}`, from: name, exit: path, to: target }],
    ),
  );
}

/** Where all nodes stand when they are arranged anew. */
export function arranged(schema: FlowSchema, document: FlowDocument): Record<string, Place> {
  const cards = cardsOf(schema, document, "");
  const ways = linesOf(cards).map(({ from, to }) => [from, to] as const);
  const boxes = cards.map(({ name, height }) => ({ id: name, height: height + SUMMARY_HEIGHT }));
  return layered(boxes, ways, typeof document.start === "string" ? document.start : "");
}

/** The document with a place for every node; who opens it the first time sees it arranged. */
export function withPlaces(schema: FlowSchema, document: FlowDocument): FlowDocument {
  const places = placesOf(document);
  const names = Object.keys(nodesOf(document));
  if (names.every((name) => name in places)) {
    return document;
  }
  return { ...document, layout: { ...arranged(schema, document), ...places } };
}

/** A place near the wanted one where a new card covers none. */
export function freePlace(document: FlowDocument, cards: readonly Card[], wanted: Place, height: number): Place {
  const places = placesOf(document);
  let { y } = wanted;
  for (let tries = 0; tries < cards.length + 1; tries += 1) {
    const hit = cards.find(({ name, height: own }) => {
      const at = places[name];
      return at !== undefined && Math.abs(at.x - wanted.x) < BOX_WIDTH + 16 && at.y < y + height + 16 && y < at.y + own + 16;
    });
    if (hit === undefined) {
      break;
    }
    y = (places[hit.name]?.y ?? 0) + hit.height + 28;
  }
  return { x: Math.round(wanted.x), y: Math.round(y) };
}
