import { useTranslation } from "react-i18next";
import type { Quality } from "../../phone/quality";
import { cx } from "../../ui/cx";

const WORDS = ["silent", "bad", "poor", "fair", "good"] as const;

/** How the call sounds: bars, a word, and the figures for whoever wants them. */
export function QualityBars({ quality }: { readonly quality: Quality }) {
  const { t } = useTranslation();
  const word = WORDS[quality.bars];
  const figures = t("phone.figures", {
    loss: quality.lossPercent.toFixed(1),
    jitter: Math.round(quality.jitterMs),
    trip: quality.roundTripMs === null ? "–" : Math.round(quality.roundTripMs),
  });
  return (
    <span className={cx("quality", word)} title={figures}>
      <span className="bars" aria-hidden="true">
        {[1, 2, 3, 4].map((bar) => (
          <i key={bar} className={bar <= quality.bars ? "on" : ""} />
        ))}
      </span>
      {t(`phone.quality.${word}`)} <span className="quiet num">{figures}</span>
    </span>
  );
}
