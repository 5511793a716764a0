import { Segmented } from "antd";
import type { HeatMap } from "../useFlows";
import { fill } from "../../../../i18n/places";
import { useFlowWords } from "../words";

const RANGES = [
  ["day", 24],
  ["week", 168],
  ["month", 720],
] as const;

interface Props {
  readonly heat: HeatMap | null;
  readonly hours: number;
  readonly onHours: (hours: number) => void;
}

/** Over which time the figures on the cards are, and of how many calls. */
export function HeatBar({ heat, hours, onHours }: Props) {
  const words = useFlowWords();
  const sessions = heat?.sessions ?? 0;
  return (
    <div className="flow-heat-bar" role="region" aria-label={words.heat.title}>
      <b>{words.heat.title}</b>
      <Segmented size="small" value={hours} options={RANGES.map(([name, value]) => ({ value, label: words.heat[name] }))} onChange={onHours} />
      <span className="quiet num">{heat === null ? "" : sessions === 0 ? words.heat.none : fill(words.heat.sessions, { count: sessions })}</span>
    </div>
  );
}
