/** The flow that is edited: its steps, what is chosen in it, and whether it is saved. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { ApiError } from "../../../../api/problem";
import { useLanguage } from "../../../../i18n/useWords";
import {
  addNode,
  exitsOf,
  freeName,
  freshNode,
  isTree,
  kindOf,
  lead,
  moveNodes,
  nodesOf,
  placesOf,
  removeNodes,
  renameNode,
  setNode,
  type FlowDocument,
  type NodeDocument,
  type Place,
} from "../document";
import { begin, did, redone, undone } from "../history";
import { ACROSS } from "../layout";
import type { FlowSchema, NodeKind } from "../schema";
import { useFlows, type Kept } from "../useFlows";
import { arranged, cardMaker, cardOf, freePlace, HEAD_HEIGHT, EXIT_HEIGHT, linesOf, withPlaces, type Line } from "./graph";
import { steady } from "./steady";

/** An exit that the next new node is to follow. */
export interface Follow {
  readonly node: string;
  readonly path: string;
}

export type Editor = ReturnType<typeof useEditor>;

export function useEditor(schema: FlowSchema, name: string, kept: Kept) {
  const flows = useFlows();
  const queries = useQueryClient();
  const language = useLanguage();
  const [steps, setSteps] = useState(() => begin(withPlaces(schema, { flow: name, ...kept.document })));
  const [saved, setSaved] = useState<{ document: FlowDocument; revision: string }>({ document: steps.now, revision: kept.revision });
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [line, setLine] = useState<string | null>(null);
  const [asked, setAsked] = useState<Follow | null>(null);
  const [conflict, setConflict] = useState<Kept | null>(null);
  const document = steps.now;
  const nodes = useMemo(() => nodesOf(document), [document]);
  const cardsFor = useMemo(() => cardMaker(schema, language), [schema, language]);
  const cards = useMemo(() => cardsFor(document), [cardsFor, document]);
  const [steadyLines] = useState(() => steady<Line>());
  const lines = useMemo(() => steadyLines(linesOf(cards)), [steadyLines, cards]);
  const dirty = document !== saved.document;
  const alive = useMemo(() => chosen.filter((one) => one in nodes), [chosen, nodes]);
  const single = alive.length === 1 ? (alive[0] ?? null) : null;

  const change = useCallback((make: (now: FlowDocument) => FlowDocument, what: string | null = null) => {
    setSteps((before) => did(before, make(before.now), what));
  }, []);
  const choose = useCallback((names: readonly string[]) => {
    setChosen((before) => (before.length === names.length && before.every((one, at) => one === names[at]) ? before : names));
    setAsked(null);
    if (names.length > 0) {
      setLine(null);
    }
  }, []);

  /** What a new node follows: the exit that was asked for, else the first open one of the chosen node. */
  const follow = useMemo<Follow | null>(() => {
    if (asked !== null) {
      return asked;
    }
    const node = single === null ? undefined : nodes[single];
    if (single === null || node === undefined) {
      return null;
    }
    const exits = cardOf(schema, single, node, "").exits;
    const open = exits.find(({ required, target }) => required && target === null) ?? exits.find(({ more }) => more === true);
    return open === undefined ? null : { node: single, path: open.path };
  }, [asked, single, nodes, schema]);

  const add = (kind: NodeKind, at: Place | null, centre: Place, after: Follow | null) => {
    const fresh = freshNode(kind);
    const { height } = cardOf(schema, "", fresh, "");
    const before = after === null ? undefined : placesOf(document)[after.node];
    const row = after === null ? 0 : (cards.find((card) => card.name === after.node)?.exits.findIndex(({ path }) => path === after.path) ?? 0);
    const beside = before === undefined ? centre : { x: before.x + ACROSS, y: before.y + HEAD_HEIGHT + row * EXIT_HEIGHT - HEAD_HEIGHT };
    const place = at ?? freePlace(document, cards, beside, height);
    const made = freeName(kind.kind, isTree(document.nodes) ? document.nodes : {});
    change((now) => {
      const added = addNode(now, made, fresh, place);
      const from = after === null ? undefined : nodesOf(added)[after.node];
      return after === null || from === undefined ? added : setNode(added, after.node, lead(schema, from, after.path, made));
    });
    choose([made]);
  };

  const save = useMutation({
    mutationFn: async ({ revision }: { readonly revision: string }) => {
      const sent = document;
      return { sent, after: await flows.save(name, sent, revision) };
    },
    onSuccess: ({ sent, after }) => {
      setSaved({ document: sent, revision: after.revision });
      setConflict(null);
      void queries.invalidateQueries({ queryKey: ["flows"] });
    },
    onError: async (error) => {
      if (error instanceof ApiError && error.code === "changed_meanwhile") {
        setConflict(await flows.one(name));
      }
    },
  });

  /** Published, rolled back: the same document under another revision. */
  const refresh = async () => {
    const now = await flows.one(name);
    setSaved((before) => ({ ...before, revision: now.revision }));
    await queries.invalidateQueries({ queryKey: ["flows"] });
    queries.setQueryData(["flow", name], now);
  };

  useEffect(() => {
    if (!dirty) {
      return;
    }
    const ask = (event: BeforeUnloadEvent) => {
      event.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => {
      window.removeEventListener("beforeunload", ask);
    };
  }, [dirty]);

  const neighbour = (by: number) => {
    const names = Object.keys(nodes);
    const at = single === null ? -1 : names.indexOf(single);
    const next = names[(at + by + names.length) % names.length];
    if (next !== undefined) {
      choose([next]);
    }
  };

  return {
    schema,
    name,
    document,
    nodes,
    cards,
    lines,
    chosen: alive,
    single,
    line,
    follow,
    asked,
    dirty,
    revision: saved.revision,
    conflict,
    save,
    change,
    choose,
    chooseLine: (id: string | null) => {
      setLine(id);
      if (id !== null) {
        setChosen([]);
      }
    },
    ask: setAsked,
    add,
    refresh,
    neighbour,
    undo: () => {
      setSteps(undone);
    },
    redo: () => {
      setSteps(redone);
    },
    mayUndo: steps.past.length > 0,
    mayRedo: steps.future.length > 0,
    set: (node: string, after: NodeDocument, what: string | null = null) => {
      change((now) => setNode(now, node, after), what);
    },
    connect: (node: string, path: string, target: string | null) => {
      change((now) => {
        const before = nodesOf(now)[node];
        return before === undefined ? now : setNode(now, node, lead(schema, before, path, target));
      });
    },
    move: (places: Readonly<Record<string, Place>>) => {
      change((now) => moveNodes(now, places), `move ${Object.keys(places).join(" ")}`);
    },
    remove: () => {
      const gone = lines.find(({ id }) => id === line);
      if (alive.length > 0) {
        change((now) => removeNodes(schema, now, alive));
        choose([]);
      } else if (gone !== undefined) {
        change((now) => {
          const before = nodesOf(now)[gone.from];
          return before === undefined ? now : setNode(now, gone.from, lead(schema, before, gone.exit, null));
        });
        setLine(null);
      }
    },
    duplicate: () => {
      const node = single === null ? undefined : nodes[single];
      if (single === null || node === undefined) {
        return;
      }
      const copy = freeName(single, nodes);
      const at = placesOf(document)[single] ?? { x: 0, y: 0 };
      const free = freePlace(document, cards, { x: at.x, y: at.y + 40 }, cardOf(schema, "", node, "").height);
      change((now) => addNode(now, copy, node, free));
      choose([copy]);
    },
    rename: (from: string, to: string) => {
      change((now) => renameNode(schema, now, from, to));
      choose([to]);
    },
    arrange: () => {
      change((now) => moveNodes(now, arranged(schema, now)));
    },
    load: (other: FlowDocument, revision: string | null) => {
      const whole = withPlaces(schema, { flow: name, ...other });
      change(() => whole);
      if (revision !== null) {
        setSaved({ document: whole, revision });
        setConflict(null);
      }
    },
    closeConflict: () => {
      setConflict(null);
    },
    /** Every exit of the chosen node, for the keyboard. */
    exits: single === null ? [] : exitsOf(schema.kinds.get(kindOf(nodes[single])), nodes[single] ?? {}),
  };
}
