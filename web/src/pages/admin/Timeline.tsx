import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { recorded, timeline, type Part, type Phase } from "./timeline";

const PHASES: readonly Phase[] = ["flow", "queue", "ring", "talk", "hold", "wrap", "recording"];

/** A contact at a glance: what it went through as a band, when it was recorded beneath, and how long each took. */
export function Timeline({ events, now }: { readonly events: readonly Schemas["ContactEvent"][]; readonly now: number }) {
  const { t } = useTranslation();
  const words = useWords();
  const parts = timeline(events, now);
  const recordings = recorded(events, now);
  const all = [...parts, ...recordings];
  if (all.length === 0) {
    return null;
  }
  const begin = Math.min(...all.map(({ from }) => from));
  const span = Math.max(...all.map(({ to }) => to)) - begin;
  const place = ({ from, to }: Part) => ({
    left: `${String(((from - begin) / span) * 100)}%`,
    width: `${String(((to - from) / span) * 100)}%`,
  });
  const sums = PHASES.map((phase) => ({
    phase,
    seconds: all.filter((part) => part.phase === phase).reduce((sum, { from, to }) => sum + (to - from) / 1_000, 0),
  })).filter(({ seconds }) => seconds > 0);
  return (
    <figure className="timeline" aria-label={t("contacts.timeline")}>
      {[parts, recordings].map((row, line) =>
        row.length === 0 ? null : (
          <div key={line} className="timeline-row" aria-hidden="true">
            {row.map((part) => (
              <span
                key={`${part.phase} ${String(part.from)}`}
                className={part.phase}
                style={place(part)}
                title={`${t(`contacts.phase.${part.phase}`)} ${words.clock((part.to - part.from) / 1_000)}`}
              />
            ))}
          </div>
        ),
      )}
      <figcaption className="num">
        {sums.map(({ phase, seconds }) => (
          <span key={phase}>
            <i className={phase} aria-hidden="true" /> <span className="quiet">{t(`contacts.phase.${phase}`)}</span> {words.clock(seconds)}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
