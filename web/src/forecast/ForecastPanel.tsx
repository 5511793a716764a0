import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useApi } from "../api/context";
import { unwrap } from "../api/problem";
import { useWords } from "../i18n/useWords";
import type { Schemas } from "../live/types";
import { cx } from "../ui/cx";
import { NOTHING } from "../ui/format";
import "./forecast.css";

const EVERY_MS = 30_000;

/** The next hours of each queue that can be foreseen, in a sentence and a strip of quarters; misses come first. */
export function ForecastPanel() {
  const { t } = useTranslation();
  const api = useApi();
  const { data } = useQuery({
    queryKey: ["forecast"],
    queryFn: () => unwrap(api.GET("/api/v1/forecast")),
    refetchInterval: EVERY_MS,
    retry: false, // the next turn comes soon enough
  });
  const foreseen = (data?.items ?? []).filter(({ steps }) => steps.length > 0);
  const items = foreseen.sort((one, other) => other.misses.length - one.misses.length);
  if (items.length === 0) {
    return null;
  }
  return (
    <section className="forecast panel" aria-label={t("forecast.title")}>
      <h2>{t("forecast.title")}</h2>
      <ul>
        {items.map((item) => (
          <Line key={item.queue} item={item} />
        ))}
      </ul>
    </section>
  );
}

function Line({ item }: { readonly item: Schemas["ForecastItem"] }) {
  const words = useWords();
  const misses = item.misses.length > 0;
  return (
    <li data-forecast={item.queue} className={cx(misses && "misses")}>
      <span>
        <i aria-hidden="true">{misses ? "▲" : "●"}</i>{" "}
        {words.language === "zh" ? item.sentence_zh : item.sentence}
      </span>
      <span className="quarters" aria-hidden="true">
        {item.steps.map((step) => (
          <Quarter key={step.begin} step={step} />
        ))}
      </span>
    </li>
  );
}

function Quarter({ step }: { readonly step: Schemas["ForecastStep"] }) {
  const { t } = useTranslation();
  const words = useWords();
  const wait = step.wait_seconds === null ? NOTHING : `${words.figure(step.wait_seconds, 0)} s`;
  const told = t("forecast.step", {
    begin: words.shortTime(step.begin),
    arrivals: words.figure(step.arrivals, 1),
    agents: words.figure(step.agents, 1),
    wait,
  });
  return <i className={cx(step.more > 0 && "more")} title={told} />;
}
