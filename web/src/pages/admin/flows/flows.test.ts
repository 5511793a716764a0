import { describe, expect, it } from "vitest";
import { addNode, exitsOf, freshNode, lead, nodesOf, removeNodes, renameNode, setNode, valueAt, variablesOf, whereOf, wordsOf } from "./document";
import { cardMaker, cardsOf, freePlace, linesOf, withPlaces } from "./editor/graph";
import { examplesOf } from "./form/examples";
import { begin, did, redone, undone } from "./history";
import { ACROSS, BOX_WIDTH, layered } from "./layout";
import { readSchema } from "./schema";
import { TEMPLATES } from "./templates";

const node = { type: "string", format: "node" };
const maybeNode = { anyOf: [node, { type: "null" }], default: null };
const prompt = { type: "object", format: "prompt", additionalProperties: { type: "array", items: { $ref: "#/$defs/Part" } } };

/** As the server describes flows, with fewer kinds. */
const SCHEMA = readSchema({
  $defs: {
    Part: { type: "object", maxProperties: 1, properties: { text: { type: "string" }, number: { type: "string", format: "variable" } } },
    Say: { type: "object", description: "Speak.", required: ["kind", "prompt", "next"], properties: { kind: { const: "say" }, prompt, next: node, on_error: maybeNode } },
    Menu: {
      type: "object",
      required: ["kind", "prompt", "choices", "fallback"],
      properties: { kind: { const: "menu" }, prompt, fallback: node, choices: { type: "object", propertyNames: { format: "key" }, patternProperties: { "^[0-9*#]$": node } } },
    },
    Case: {
      type: "object",
      required: ["when", "next"],
      properties: { when: { oneOf: [{ type: "object", properties: { variable: { type: "string", format: "variable" } } }, { type: "string", format: "expression" }] }, next: node },
    },
    Branch: { type: "object", required: ["kind", "cases", "otherwise"], properties: { kind: { const: "branch" }, cases: { type: "array", minItems: 1, items: { $ref: "#/$defs/Case" } }, otherwise: node } },
    Loop: { type: "object", required: ["kind", "times", "body"], properties: { kind: { const: "loop" }, times: { type: "integer", minimum: 1 }, body: node } },
    Hangup: { type: "object", required: ["kind"], properties: { kind: { const: "hangup" } } },
  },
  properties: {
    flow: { type: "string" },
    start: node,
    on_error: maybeNode,
    shortcuts: { type: "object", propertyNames: { format: "key" }, patternProperties: { "^[0-9*#]$": node } },
    nodes: { type: "object", patternProperties: { ".*": { oneOf: ["Say", "Menu", "Branch", "Loop", "Hangup"].map((name) => ({ $ref: `#/$defs/${name}` })) } } },
  },
});

const kind = (name: string) => {
  const found = SCHEMA.kinds.get(name);
  if (found === undefined) {
    throw new Error(name);
  }
  return found;
};

const FLOW = {
  flow: "demo",
  start: "ask",
  on_error: "end",
  shortcuts: { "*": "ask" },
  nodes: {
    ask: { kind: "menu", prompt: { en: "Press" }, choices: { "1": "tell", "2": "end" }, fallback: "end" },
    tell: { kind: "say", prompt: { en: [{ text: "You have" }, { number: "count" }] }, next: "ask" },
    end: { kind: "hangup" },
  },
};

describe("the schema", () => {
  it("tells kinds, fields and which of them are needed", () => {
    expect([...SCHEMA.kinds.keys()]).toEqual(["say", "menu", "branch", "loop", "hangup"]);
    expect(kind("say").fields.map(({ name, required, shape }) => [name, required, shape.type])).toEqual([
      ["prompt", true, "prompt"],
      ["next", true, "node"],
      ["on_error", false, "node"],
    ]);
    expect(SCHEMA.flow.map(({ name }) => name)).toEqual(["start", "on_error", "shortcuts"]);
  });

  it("makes fresh nodes with what can be given at once", () => {
    expect(freshNode(kind("say"))).toEqual({ kind: "say", prompt: {} });
    expect(freshNode(kind("branch"))).toEqual({ kind: "branch", cases: [] });
    expect(freshNode(kind("loop"))).toEqual({ kind: "loop", times: 1 });
  });
});

describe("cards", () => {
  it("stay the same objects while their nodes do, and end lines where their exits are drawn", () => {
    const make = cardMaker(SCHEMA, "en");
    const before = make(FLOW);
    const after = make(setNode(FLOW, "tell", { ...FLOW.nodes.tell, prompt: { en: "New words" } }));
    expect(after.map((card, at) => card === before[at])).toEqual([true, false, true]);
    expect(before).toEqual(cardsOf(SCHEMA, FLOW, "en"));
    const [ask] = before;
    expect(ask?.handles.map(({ id }) => id)).toEqual(["in", ...(ask?.exits.map(({ path }) => path) ?? [])]);
    const [, first, second] = ask?.handles ?? [];
    expect((second?.y ?? 0) - (first?.y ?? 0)).toBe(24);
  });
});

describe("exits", () => {
  it("are found by the schema, in maps and in lists, set or not", () => {
    const menu = exitsOf(kind("menu"), FLOW.nodes.ask);
    expect(menu.map(({ path, target }) => [path, target])).toEqual([
      ["fallback", "end"],
      ["choices.1", "tell"],
      ["choices.2", "end"],
      ["choices.+", null],
    ]);
    const branch = exitsOf(kind("branch"), { kind: "branch", cases: [{ when: "x == '1'", next: "end" }, {}] });
    expect(branch.map(({ path, target }) => [path, target])).toEqual([
      ["cases.0.next", "end"],
      ["cases.1.next", null],
      ["cases.+", null],
      ["otherwise", null],
    ]);
  });

  it("are led elsewhere, and one more takes the next free key or case", () => {
    expect(valueAt(lead(SCHEMA, FLOW.nodes.ask, "choices.1", "end"), "choices.1")).toBe("end");
    expect(valueAt(lead(SCHEMA, FLOW.nodes.ask, "choices.+", "end"), "choices.3")).toBe("end");
    expect(valueAt(lead(SCHEMA, FLOW.nodes.ask, "choices.1", null), "choices")).toEqual({ "2": "end" });
    const branch = lead(SCHEMA, { kind: "branch", cases: [] }, "cases.+", "end");
    expect(valueAt(branch, "cases.0.next")).toBe("end");
  });
});

describe("a document", () => {
  it("loses a node with every way to it", () => {
    const left = removeNodes(SCHEMA, FLOW, ["end"]);
    expect(Object.keys(nodesOf(left))).toEqual(["ask", "tell"]);
    expect(left.on_error).toBeUndefined();
    expect(nodesOf(left).ask).toEqual({ kind: "menu", prompt: { en: "Press" }, choices: { "1": "tell" } });
  });

  it("has a node renamed everywhere, in its order", () => {
    const renamed = renameNode(SCHEMA, withPlaces(SCHEMA, FLOW), "ask", "main");
    expect(Object.keys(nodesOf(renamed))).toEqual(["main", "tell", "end"]);
    expect([renamed.start, valueAt(renamed, "shortcuts.*"), nodesOf(renamed).tell?.next]).toEqual(["main", "main", "main"]);
    expect(Object.keys(renamed.layout as object).sort()).toEqual(["end", "main", "tell"]);
  });

  it("begins where its first node is", () => {
    const made = addNode({ flow: "new", nodes: {} }, "say", freshNode(kind("say")), { x: 0, y: 0 });
    expect(made.start).toBe("say");
    expect(addNode(made, "say_2", freshNode(kind("say")), { x: 0, y: 0 }).start).toBe("say");
  });

  it("that is no flow is drawn as far as it goes, and kept", () => {
    const odd = { flow: "odd", nodes: { one: "text", two: { kind: "unheard_of", next: "one" } }, layout: { two: "here" } };
    expect(cardsOf(SCHEMA, odd, "en").map(({ name, known, exits }) => [name, known, exits.length])).toEqual([["two", false, 0]]);
    expect(setNode(odd, "two", { kind: "hangup" }).nodes).toEqual({ one: "text", two: { kind: "hangup" } });
    expect(removeNodes(SCHEMA, odd, ["two"]).nodes).toEqual({ one: "text" });
  });

  it("tells its variables, words, and where problems are", () => {
    expect(variablesOf(SCHEMA, { nodes: { one: { kind: "branch", cases: [{ when: { variable: "card" } }] } } })).not.toContain("x");
    expect(wordsOf(FLOW.nodes.tell.prompt, "en")).toBe("You have {count}");
    expect(whereOf("nodes.menu.choices.2")).toEqual({ node: "menu", field: "choices.2" });
    expect(whereOf("start")).toEqual({ node: null, field: "start" });
    expect(examplesOf(FLOW.nodes.tell.prompt.en)).toEqual({ count: "3" });
  });
});

describe("the graph", () => {
  it("has a line for every exit that leads somewhere", () => {
    expect(linesOf(cardsOf(SCHEMA, FLOW, "en")).map(({ from, exit, to }) => `${from} ${exit} ${to}`)).toEqual([
      "ask choices.1 tell",
      "ask choices.2 end",
      "ask fallback end",
      "tell next ask",
    ]);
  });

  it("keeps the places that a document has, and finds free ones", () => {
    const placed = withPlaces(SCHEMA, { ...FLOW, layout: { ask: { x: 7, y: 9 } } });
    expect((placed.layout as Record<string, unknown>).ask).toEqual({ x: 7, y: 9 });
    expect(withPlaces(SCHEMA, placed)).toBe(placed);
    const cards = cardsOf(SCHEMA, placed, "en");
    expect(freePlace(placed, cards, { x: 7, y: 9 }, 80).y).toBeGreaterThan(9 + (cards[0]?.height ?? 0));
  });

  it("stands every template in layers without one card on another", () => {
    for (const template of Object.values(TEMPLATES)) {
      const cards = cardsOf(SCHEMA, template, "en");
      const places = layered(
        cards.map(({ name, height }) => ({ id: name, height })),
        linesOf(cards).map(({ from, to }) => [from, to] as const),
        template.start,
      );
      for (const one of cards) {
        for (const other of cards) {
          const [a, b] = [places[one.name], places[other.name]];
          const apart = one === other || a === undefined || b === undefined || Math.abs(a.x - b.x) >= BOX_WIDTH || a.y + one.height <= b.y || b.y + other.height <= a.y;
          expect(apart, `${one.name} ${other.name}`).toBe(true);
        }
      }
    }
  });

  it("is laid out from the start to the right, ways back left aside, however long", () => {
    const places = layered(["c", "b", "a"].map((id) => ({ id, height: 50 })), [["a", "b"], ["b", "c"], ["c", "a"], ["a", "c"]], "a");
    expect([places.a?.x, places.b?.x, places.c?.x]).toEqual([0, ACROSS, 2 * ACROSS]);
    const chain = Array.from({ length: 3_000 }, (_none, at) => `n${String(at)}`);
    const far = layered(chain.map((id) => ({ id, height: 50 })), chain.slice(1).map((id, at) => [`n${String(at)}`, id] as const), "n0");
    expect(far.n2999?.x).toBe(2_999 * ACROSS);
  });
});

describe("the steps", () => {
  it("are undone and done again, letters of one field at once", () => {
    const typed = did(did(did(begin("a"), "ab", "name"), "abc", "name"), "abcd", "title");
    expect(undone(typed).now).toBe("abc");
    expect(undone(undone(typed)).now).toBe("a");
    expect(redone(undone(typed)).now).toBe("abcd");
    expect(did(undone(typed), "x").future).toEqual([]);
    expect(undone(begin("a")).now).toBe("a");
    expect(did(begin("a"), "a").past).toEqual([]);
  });
});
