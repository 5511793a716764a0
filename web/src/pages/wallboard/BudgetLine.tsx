import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { cx } from "../../ui/cx";
import { NOTHING } from "../../ui/format";

/** Shapes beside the colours. */
const MARK: Record<Schemas["Watched"], string> = { unknown: "", calm: "", low: "▲", burning: "▲▲", missed: "■" };

/** What a clause still allows, and how fast that goes: 1 is as fast as the clause allows. */
export function BudgetLine({ budget }: { readonly budget: Schemas["BudgetItem"] }) {
  const { t } = useTranslation();
  const words = useWords();
  const { left, burns, stands } = budget;
  const told = burns
    .map(({ window, burn }) => t("compliance.burnOver", { window, burn: burn === null ? NOTHING : `${words.figure(burn, 2)}×` }))
    .join(" · ");
  const hour = burns.find(({ window }) => window === "1h")?.burn ?? null;
  if (left === null) {
    return <span className="budget quiet">{t("compliance.noBudget")}</span>;
  }
  return (
    <span className={cx("budget num", stands)} data-stands={stands} title={`${t("compliance.burns")} ${told}`}>
      <span className="budget-bar" aria-hidden="true">
        <i style={{ width: `${String(Math.max(0, Math.min(1, left)) * 100)}%` }} />
      </span>
      <span>
        <i aria-hidden="true">{MARK[stands]}</i> {t("compliance.left", { left: words.percent(Math.max(0, left), 0) })}
      </span>
      <span className="quiet">{hour === null ? "" : t("compliance.hour", { burn: `${words.figure(hour, 1)}×` })}</span>
    </span>
  );
}
