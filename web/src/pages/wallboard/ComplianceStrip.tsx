import { useQuery } from "@tanstack/react-query";
import { Tooltip } from "antd";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords, type Words } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { cx } from "../../ui/cx";
import { NOTHING } from "../../ui/format";
import { DrillLink } from "../../ui/DrillLink";
import { contactsAddress, windowBegin } from "../../ui/drill";
import { Failure, Loading } from "../../ui/notices";
import { BudgetLine } from "./BudgetLine";
import { Sparkline } from "./Sparkline";

const EVERY_MS = 5_000;

type Item = Schemas["ComplianceItem"];

/** Shapes beside the colours of verdicts. */
const VERDICT_MARK: Record<Schemas["Verdict"], string> = { pass: "●", fail: "■", insufficient: "◐", no_data: "○" };
const MEETS: Record<Schemas["Comparison"], (value: number, target: number) => boolean> = {
  ">=": (value, target) => value >= target,
  ">": (value, target) => value > target,
  "<=": (value, target) => value <= target,
  "<": (value, target) => value < target,
};
const COMPARISON: Record<Schemas["Comparison"], string> = { ">=": "≥", ">": ">", "<=": "≤", "<": "<" };

/** Section 10.3 of the standard, clause by clause. */
export function ComplianceStrip() {
  const { t } = useTranslation();
  const api = useApi();
  const compliance = useQuery({
    queryKey: ["compliance"],
    queryFn: () => unwrap(api.GET("/api/v1/compliance")),
    refetchInterval: EVERY_MS,
    retry: false, // the next turn comes soon enough
  });
  const { data, error } = compliance;
  return (
    <section className={cx("compliance panel", error !== null && data !== undefined && "stale-figures")} aria-label={t("compliance.title")}>
      {data !== undefined ? (
        <ul>
          {data.items.map((item) => (
            <ComplianceCell key={item.id} item={item} />
          ))}
        </ul>
      ) : error !== null ? (
        <Failure error={error} onRetry={() => void compliance.refetch()} />
      ) : (
        <Loading rows={3} />
      )}
    </section>
  );
}

function ComplianceCell({ item }: { readonly item: Item }) {
  const { t } = useTranslation();
  const words = useWords();
  const title = words.language === "zh" ? item.title_zh : item.title;
  const clause = words.language === "zh" ? item.clause_zh : item.clause;
  return (
    <li className={item.verdict} data-requirement={item.id}>
      <Tooltip title={clause} placement="top">
        <div tabIndex={0}>
          <span className="requirement">
            <span className="quiet num">{item.id.replace(/^R10\.3\./, "")}</span> {title}
          </span>
          <span className="measured num live-figure">
            <b>
              <DrillLink to={contactsAddress({ from: windowBegin(item.window, new Date()) })} title={t("drill.contacts")}>
                {shown(item.value, item, words)}
              </DrillLink>
            </b>
            <History item={item} />
            <span className="quiet">
              {item.target === null || item.comparison === null
                ? null
                : `${COMPARISON[item.comparison]} ${shown(item.target, item, words)}`}
            </span>
          </span>
          <BudgetLine budget={item.budget} />
          <span className="verdict">
            <span>
              <i aria-hidden="true">{VERDICT_MARK[item.verdict]}</i> {t(`verdict.${item.verdict}`)}
            </span>
            <span className="quiet num" title={t("compliance.samplesNeeded", { needed: item.samples_needed })}>
              {t("compliance.samples", { samples: words.figure(item.samples, 0) })}
            </span>
          </span>
        </div>
      </Tooltip>
    </li>
  );
}

/** The last two hours; the words say what the picture shows. */
function History({ item }: { readonly item: Item }) {
  const { t } = useTranslation();
  const words = useWords();
  const known = item.history.filter((value) => value !== null);
  const { target, comparison } = item;
  return (
    <Sparkline
      values={item.history}
      target={target}
      meets={(value) => target === null || comparison === null || MEETS[comparison](value, target)}
      label={
        known.length === 0
          ? ""
          : t("compliance.line", { low: shown(Math.min(...known), item, words), high: shown(Math.max(...known), item, words) })
      }
    />
  );
}

export function shown(value: number | null, item: Pick<Item, "unit" | "target">, words: Words): string {
  if (value === null) {
    return NOTHING;
  }
  switch (item.unit) {
    case "ratio":
      // Targets like 99.99 % need their digits.
      return words.percent(value, (item.target ?? 0) > 0.999 ? 3 : 1);
    case "seconds":
      return `${words.figure(value, value < 10 ? 2 : 1)} s`;
    default:
      return words.figure(value, 2);
  }
}
