import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Agent } from "../../live/types";
import { NOTHING } from "../../ui/format";

const LOOK_MS = 60_000;

/** The agent's own day so far; looked at anew at each change of his state, and once a minute. */
export function OwnDay({ agent }: { readonly agent: Agent }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const day = useQuery({
    queryKey: ["own-day", agent.id, agent.state],
    queryFn: () => unwrap(api.GET("/api/v1/me/day")),
    refetchInterval: LOOK_MS,
    placeholderData: (before) => before,
  });
  const found = day.data;
  const figures = [
    [t("day.talks"), found === undefined ? NOTHING : String(found.talks)],
    [t("day.handle"), found?.handle_seconds == null ? NOTHING : words.clock(found.handle_seconds)],
    [t("day.occupancy"), found?.occupancy == null ? NOTHING : words.percent(found.occupancy)],
    [t("day.adherence"), found?.adherence == null ? NOTHING : words.percent(found.adherence)],
    [t("day.pause"), found === undefined ? NOTHING : words.clock(found.pause_seconds)],
  ] as const;
  return (
    <section className="panel own-day" aria-label={t("day.title")} title={t("day.hint")} data-stale={day.error !== null || undefined}>
      <h2>{t("day.title")}</h2>
      <dl className="num">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt className="quiet">{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
