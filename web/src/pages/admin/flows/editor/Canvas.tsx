import {
  Background,
  BackgroundVariant,
  Controls,
  MarkerType,
  ReactFlow,
  useReactFlow,
  type Connection,
  type Edge,
  type EdgeChange,
  type FinalConnectionState,
  type NodeChange,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import { EmptyNotice } from "../../../../ui/notices";
import { placesOf, whereOf, type Place } from "../document";
import { BOX_WIDTH } from "../layout";
import type { HeatMap, Problem } from "../useFlows";
import { useFlowWords } from "../words";
import { FlowCard, type CardNode } from "./FlowCard";
import { Overview } from "./Overview";
import { alike, steady } from "./steady";
import type { Editor } from "./useEditor";

const TYPES = { card: FlowCard };
/** What a kind of node is named by while it is dragged out of the palette. */
export const DRAGGED = "application/x-flow-kind";

interface Props {
  readonly editor: Editor;
  readonly problems: readonly Problem[];
  readonly heat: HeatMap | null;
  readonly visited: string | null;
  readonly may: boolean;
  readonly onAsk: () => void;
}

export function Canvas({ editor, problems, heat, visited, may, onAsk }: Props) {
  const words = useFlowWords();
  const view = useReactFlow();
  const [dragged, setDragged] = useState<Readonly<Record<string, Place>>>({});
  const box = useRef<HTMLDivElement>(null);
  const standing = useNodes(editor, problems, heat, visited);
  const nodes = useMemo(
    () => standing.map((node) => (dragged[node.id] === undefined ? node : { ...node, position: dragged[node.id] ?? node.position })),
    [standing, dragged],
  );
  const edges = useEdges(editor, heat);
  const moved = useSame((changes: NodeChange<CardNode>[]) => {
    const chosen = new Set(editor.chosen);
    const during: Record<string, Place> = {};
    const done: Record<string, Place> = {};
    let selects = false;
    for (const change of changes) {
      if (change.type === "select") {
        selects = true;
        chosen[change.selected ? "add" : "delete"](change.id);
      } else if (change.type === "position" && change.position !== undefined) {
        const at = { x: Math.round(change.position.x), y: Math.round(change.position.y) };
        (change.dragging === true ? during : done)[change.id] = at;
      }
    }
    if (selects) {
      editor.choose([...chosen]);
    }
    if (may && Object.keys(during).length > 0) {
      setDragged((before) => ({ ...before, ...during }));
    }
    if (may && Object.keys(done).length > 0) {
      setDragged({});
      const places = placesOf(editor.document);
      const real = Object.entries(done).filter(([name, at]) => JSON.stringify(places[name]) !== JSON.stringify(at));
      if (real.length > 0) {
        editor.move(Object.fromEntries(real));
      }
    }
  });
  const connected = useSame(({ source, sourceHandle, target }: Connection) => {
    editor.connect(source, sourceHandle ?? "next", target);
  });
  const reconnected = useSame((edge: Edge, to: Connection) => {
    if (edge.source !== to.source || edge.sourceHandle !== to.sourceHandle) {
      editor.connect(edge.source, edge.sourceHandle ?? "next", null);
    }
    connected(to);
  });
  const pulledOut = useSame((_event: MouseEvent | TouchEvent, { fromNode, fromHandle, toNode }: FinalConnectionState) => {
    if (toNode === null && fromNode !== null && fromHandle.type === "source") {
      editor.choose([fromNode.id]);
      editor.ask({ node: fromNode.id, path: fromHandle.id ?? "next" });
      onAsk();
    }
  });
  const pressedLine = useSame((_event: React.MouseEvent, { id }: Edge) => {
    editor.chooseLine(id);
  });
  const changedLines = useSame((changes: EdgeChange[]) => {
    for (const change of changes) {
      if (change.type === "select" && change.selected) {
        editor.chooseLine(change.id);
      }
    }
  });
  const pressedNothing = useSame(() => {
    editor.choose([]);
    editor.chooseLine(null);
  });
  return (
    <div
      ref={box}
      className="flow-canvas"
      role="region"
      aria-label={words.editor.canvas}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes(DRAGGED)) {
          event.preventDefault();
        }
      }}
      onDrop={(event) => {
        const kind = editor.schema.kinds.get(event.dataTransfer.getData(DRAGGED));
        if (kind !== undefined && may) {
          event.preventDefault();
          const at = view.screenToFlowPosition({ x: event.clientX - 40, y: event.clientY - 16 });
          editor.add(kind, { x: Math.round(at.x), y: Math.round(at.y) }, at, null);
        }
      }}
    >
      <ReactFlow<CardNode>
        nodes={nodes}
        edges={edges}
        nodeTypes={TYPES}
        onNodesChange={moved}
        onEdgeClick={pressedLine}
        onEdgesChange={changedLines}
        onPaneClick={pressedNothing}
        onConnect={connected}
        onReconnect={reconnected}
        onConnectEnd={pulledOut}
        nodesDraggable={may}
        nodesConnectable={may}
        edgesReconnectable={may}
        deleteKeyCode={null}
        connectionRadius={28}
        minZoom={0.15}
        maxZoom={1.5}
        onInit={(instance) => {
          void instance.setViewport(firstView(nodes, String(editor.document.start), box.current));
        }}
        onlyRenderVisibleElements={nodes.length > 200}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1} color="var(--line)" />
        <Controls showInteractive={false} position="bottom-left" />
        {nodes.length > 12 ? <Overview nodes={standing} /> : null}
      </ReactFlow>
      {nodes.length === 0 ? (
        <div className="flow-nothing">
          <EmptyNotice title={words.editor.nothing} hint={words.editor.nothingHint} />
        </div>
      ) : null}
    </div>
  );
}

const MARGIN = 48;
const READABLE = 0.6;

/** All of a small flow; of a large one the start, at a size that can be read. */
function firstView(nodes: readonly CardNode[], start: string, box: HTMLElement | null): { x: number; y: number; zoom: number } {
  const { clientWidth: width = 800, clientHeight: height = 500 } = box ?? {};
  const left = Math.min(...nodes.map(({ position }) => position.x));
  const top = Math.min(...nodes.map(({ position }) => position.y));
  const right = Math.max(...nodes.map(({ position }) => position.x + BOX_WIDTH));
  const bottom = Math.max(...nodes.map(({ position, data }) => position.y + data.card.height));
  if (nodes.length === 0) {
    return { x: 0, y: 0, zoom: 1 };
  }
  const zoom = Math.min(1, (width - 2 * MARGIN) / (right - left), (height - 2 * MARGIN) / (bottom - top));
  if (zoom >= READABLE) {
    return { x: (width - (left + right) * zoom) / 2, y: (height - (top + bottom) * zoom) / 2, zoom };
  }
  const first = nodes.find(({ id }) => id === start) ?? nodes[0];
  const at = first?.position ?? { x: left, y: top };
  return { x: MARGIN - at.x * READABLE, y: height / 2 - (at.y + (first?.data.card.height ?? 0) / 2) * READABLE, zoom: READABLE };
}

function useNodes(
  editor: Editor,
  problems: readonly Problem[],
  heat: HeatMap | null,
  visited: string | null,
): CardNode[] {
  const { document, cards, chosen } = editor;
  const [steadyNodes] = useState(() => steady(sameCard));
  const counts = useMemo(() => {
    const found = new Map<string, number>();
    for (const { path } of problems) {
      const { node } = whereOf(path);
      if (node !== null) {
        found.set(node, (found.get(node) ?? 0) + 1);
      }
    }
    return found;
  }, [problems]);
  return useMemo(() => {
    const places = placesOf(document);
    const warmths = new Map(heat?.nodes.map((one) => [one.node, one]));
    const selected = new Set(chosen);
    const most = Math.max(1, ...(heat?.nodes ?? []).map(({ came }) => came));
    const made = cards.map((card) => {
      const warm = warmths.get(card.name) ?? null;
      return {
        id: card.name,
        type: "card" as const,
        position: places[card.name] ?? { x: 0, y: 0 },
        ...card.size,
        measured: card.size,
        handles: card.handles,
        selected: selected.has(card.name),
        ariaLabel: `${card.name} ${card.kind}`,
        data: {
          card,
          start: document.start === card.name,
          problems: counts.get(card.name) ?? 0,
          heat: warm,
          warmth: (warm?.came ?? 0) / most,
          visited: visited === card.name,
        },
      };
    });
    return steadyNodes(made);
  }, [steadyNodes, document, cards, chosen, counts, heat, visited]);
}

function sameCard(one: CardNode, other: CardNode): boolean {
  return one.selected === other.selected && alike(one.position, other.position) && alike(one.data, other.data);
}

const ARROW = { type: MarkerType.ArrowClosed, width: 14, height: 14, color: "var(--signed-out)" };
const NEAR_ARROW = { ...ARROW, color: "var(--accent)" };

function useEdges(editor: Editor, heat: HeatMap | null): Edge[] {
  const { lines, line, chosen } = editor;
  const [steadyEdges] = useState(() => steady<Edge>());
  return useMemo(() => {
    const told = new Set<string>();
    const selected = new Set(chosen);
    const warmths = new Map(heat?.nodes.map((one) => [one.node, one]));
    const made = lines.map(({ id, from, exit, to }) => {
      const near = id === line || selected.has(from) || selected.has(to);
      const times = warmths.get(from)?.exits.find((one) => one.to === to)?.times;
      const first = !told.has(`${from} ${to}`);
      told.add(`${from} ${to}`);
      return {
        id,
        source: from,
        sourceHandle: exit,
        target: to,
        targetHandle: "in",
        selected: id === line,
        className: near ? "flow-near" : exit === "on_error" ? "flow-failing" : "",
        markerEnd: near ? NEAR_ARROW : ARROW,
        ...(times !== undefined && first ? { label: String(times) } : {}),
      };
    });
    return steadyEdges(made);
  }, [steadyEdges, lines, line, chosen, heat]);
}

/** The same function at every drawing: the canvas tells all its parts of a new one. */
function useSame<Given extends readonly unknown[]>(handler: (...given: Given) => void): (...given: Given) => void {
  const latest = useRef(handler);
  useLayoutEffect(() => {
    latest.current = handler;
  });
  return useCallback((...given: Given) => {
    latest.current(...given);
  }, []);
}
