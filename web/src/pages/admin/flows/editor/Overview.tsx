import { Panel, useReactFlow, useStore, type ReactFlowState } from "@xyflow/react";
import { useMemo, useState, type PointerEvent } from "react";
import { BOX_WIDTH } from "../layout";
import { useFlowWords } from "../words";
import type { CardNode } from "./FlowCard";
import { steady } from "./steady";

const WIDTH = 132;
const HEIGHT = 88;
const MARGIN = 5;

const seen = ({ transform: [x, y, zoom], width, height }: ReactFlowState) =>
  `M${String(-x / zoom)},${String(-y / zoom)}h${String(width / zoom)}v${String(height / zoom)}h${String(-width / zoom)}z`;

interface Box {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/** All cards in small, and the part that is seen; pulling in it moves there. One path: a thousand cards cost what one does. */
export function Overview({ nodes }: { readonly nodes: readonly CardNode[] }) {
  const words = useFlowWords();
  const view = useReactFlow();
  const frame = useStore(seen);
  const [steadyBoxes] = useState(() => steady<Box>());
  const boxes = steadyBoxes(nodes.map(({ id, position: { x, y }, data }) => ({ id, x, y, height: data.card.height })));
  const { box, cards } = useMemo(() => drawn(boxes), [boxes]);
  const go = (event: PointerEvent<SVGSVGElement>) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(event.currentTarget.getScreenCTM()?.inverse());
    void view.setCenter(at.x, at.y, { zoom: view.getZoom() });
  };
  return (
    <Panel position="bottom-right" className="flow-overview">
      <svg
        width={WIDTH}
        height={HEIGHT}
        viewBox={box}
        role="img"
        aria-label={words.editor.overview}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          go(event);
        }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) {
            go(event);
          }
        }}
      >
        <path d={cards} className="flow-overview-cards" />
        <path d={frame} className="flow-overview-seen" />
      </svg>
    </Panel>
  );
}

function drawn(boxes: readonly Box[]) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  const cards = boxes.map(({ x, y, height }) => {
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + BOX_WIDTH), Math.max(bottom, y + height)];
    return `M${String(x)},${String(y)}h${String(BOX_WIDTH)}v${String(height)}h${String(-BOX_WIDTH)}z`;
  });
  const scale = Math.max((right - left) / (WIDTH - 2 * MARGIN), (bottom - top) / (HEIGHT - 2 * MARGIN));
  const [width, height] = [WIDTH * scale, HEIGHT * scale];
  const [x, y] = [(left + right - width) / 2, (top + bottom - height) / 2];
  return { box: [x, y, width, height].map(String).join(" "), cards: cards.join("") };
}
