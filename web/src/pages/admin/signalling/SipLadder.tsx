import { useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { EmptyNotice } from "../../../ui/notices";
import { offset } from "../offset";
import { ladder, type Lane, type Message, type Rung } from "./ladder";
import { MessageWords } from "./MessageWords";

interface Props {
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** What the times count from. */
  readonly begin: string;
}

/** Messages as arrows between the platform and its peers; ↑ and ↓ go from one to the next, Enter opens it. */
export function SipLadder({ messages, begin }: Props) {
  const { t } = useTranslation();
  const drawn = useMemo(() => ladder(messages), [messages]);
  const list = useRef<HTMLDivElement>(null);
  if (drawn.rungs.length === 0) {
    return <EmptyNotice title={t("contacts.noTrace")} hint={t("contacts.noTraceHint")} />;
  }
  const columns = { gridTemplateColumns: `92px repeat(${String(drawn.lanes.length)}, minmax(0, 1fr))` };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const rungs = [...(list.current?.querySelectorAll<HTMLElement>("summary") ?? [])];
    const at = rungs.indexOf(document.activeElement as HTMLElement);
    if (step !== 0 && at >= 0) {
      event.preventDefault();
      rungs[at + step]?.focus();
    }
  };
  return (
    <div className="ladder num" ref={list} onKeyDown={onKeyDown} role="group" aria-label={t("signalling.ladder")}>
      <div className="ladder-head" style={columns}>
        <span />
        {drawn.lanes.map((lane) => (
          <LaneHead key={lane.address} lane={lane} />
        ))}
      </div>
      {drawn.rungs.map((rung, index) => (
        <Arrow key={index} rung={rung} begin={begin} columns={columns} lanes={drawn.lanes} />
      ))}
    </div>
  );
}

function LaneHead({ lane }: { readonly lane: Lane }) {
  if (lane.address === "") {
    return <b>ccplatform</b>;
  }
  return (
    <span className="lane">
      <b>{lane.name === "" ? lane.address : lane.name}</b>
      <span className="quiet">
        {lane.transport}
        {lane.name === "" ? "" : ` ${lane.address}`}
      </span>
    </span>
  );
}

interface ArrowProps {
  readonly rung: Rung;
  readonly begin: string;
  readonly columns: React.CSSProperties;
  readonly lanes: readonly Lane[];
}

function Arrow({ rung, begin, columns, lanes }: ArrowProps) {
  const { t } = useTranslation();
  // From the middle of one lane to the middle of the other.
  const low = Math.min(rung.from, rung.to);
  const span = Math.abs(rung.from - rung.to) + 1;
  const inset = { marginInline: `calc(${String(50 / span)}%)` };
  const ends = [rung.from, rung.to].map((lane) => lanes[lane]?.name || lanes[lane]?.address || "ccplatform");
  const tone = rung.sip.status >= 400 ? " refusal" : rung.sip.status > 0 ? " reply" : "";
  return (
    <details className={`rung${tone}`}>
      <summary style={columns} aria-label={`${rung.title}: ${ends.join(" → ")}`}>
        <span className="rung-time">
          <time dateTime={rung.message.at}>{offset(begin, rung.message.at)}</time>
          {rung.gap === undefined ? null : <span className="quiet gap">{gapText(rung.gap)}</span>}
        </span>
        {lanes.map((lane, index) => (
          <span key={lane.address} className="lifeline" style={{ gridColumn: index + 2 }} aria-hidden="true" />
        ))}
        <span className="arrow" style={{ gridColumn: `${String(low + 2)} / span ${String(span)}` }}>
          <span className={rung.to > rung.from ? "rightward" : "leftward"} style={inset}>
            {rung.title}
            {rung.repeats.length === 0 ? null : (
              <b className="warn"> {t("signalling.times", { count: rung.repeats.length + 1 })}</b>
            )}
          </span>
        </span>
      </summary>
      <MessageWords rung={rung} />
    </details>
  );
}

function gapText(ms: number): string {
  return ms < 10_000 ? `+${String(Math.max(0, Math.round(ms)))} ms` : `+${(ms / 1000).toFixed(0)} s`;
}
