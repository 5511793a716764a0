import { Handle, Position, type Node, type NodeProps } from "@xyflow/react";
import { memo } from "react";
import { cx } from "../../../../ui/cx";
import type { NodeHeat } from "../useFlows";
import { fill, named } from "../../../../i18n/places";
import { exitName, useFlowWords } from "../words";
import { Glyph } from "./glyphs";
import type { Card } from "./graph";

export type CardData = {
  readonly card: Card;
  readonly start: boolean;
  readonly problems: number;
  readonly heat: NodeHeat | null;
  /** Share of the most visited node, 0 to 1. */
  readonly warmth: number;
  readonly visited: boolean;
};
export type CardNode = Node<CardData, "card">;

/** A node on the canvas: what it is, what it says, and where each exit leads. */
export const FlowCard = memo(function FlowCard({ id, data, selected }: NodeProps<CardNode>) {
  const words = useFlowWords();
  const { card, start, problems, heat, warmth, visited } = data;
  return (
    <div className={cx("flow-card", selected && "chosen", problems > 0 && "wrong", visited && "visited", heat !== null && "heated")} data-node={id}>
      <Handle type="target" position={Position.Left} id="in" className="flow-in" />
      {heat === null ? null : <span className="flow-warmth" style={{ opacity: 0.08 + 0.32 * warmth }} />}
      <header>
        <Glyph kind={card.kind} />
        <span className="flow-card-names">
          <b>{card.name}</b>
          <span>{card.known ? named(words.kinds, card.kind) : words.editor.unknownKind}</span>
        </span>
        {start ? <span className="flow-start">{words.editor.start_mark}</span> : null}
        {problems > 0 ? (
          <span className="flow-wrong" title={fill(words.problems.count, { count: problems })}>
            ▲ {problems}
          </span>
        ) : null}
      </header>
      {card.summary === "" ? null : <p title={card.summary}>{card.summary}</p>}
      <ul>
        {card.exits.map(({ path, target, required, more }) => (
          <li key={path} className={cx(target === null && (required ? "open" : "idle"), more === true && "one-more")}>
            {exitName(words, path)}
            <Handle type="source" position={Position.Right} id={path} />
          </li>
        ))}
      </ul>
      {heat === null ? null : <HeatLine heat={heat} />}
    </div>
  );
});

function HeatLine({ heat }: { readonly heat: NodeHeat }) {
  const words = useFlowWords();
  return (
    <div className="flow-heat num">
      <span>{fill(words.heat.came, { count: heat.came })}</span>
      {heat.hung_up > 0 ? <span className="bad">{fill(words.heat.hungUp, { count: heat.hung_up })}</span> : null}
      {heat.failed > 0 ? <span className="bad">{fill(words.heat.failed, { count: heat.failed })}</span> : null}
      {heat.ended > 0 ? <span>{fill(words.heat.ended, { count: heat.ended })}</span> : null}
    </div>
  );
}
