import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Peaks } from "./peaks";

interface Props {
  readonly peaks: Peaks;
  /** 0–1 */
  readonly place: number;
  readonly onSeek: (share: number) => void;
}

const HALF = 26;

/** The caller above the line, the agent below; a click goes there (the player's own slider does it by keys). */
export function Waveform({ peaks, place, onSeek }: Props) {
  const { t } = useTranslation();
  const paths = useMemo(() => ({ caller: path(peaks.caller, -1), agent: path(peaks.agent, 1) }), [peaks]);
  const width = peaks.caller.length;
  return (
    <figure className="waveform">
      <svg
        viewBox={`0 0 ${String(width)} ${String(2 * HALF)}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t("recordings.waveform")}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          onSeek((event.clientX - box.left) / box.width);
        }}
      >
        <path d={paths.caller} fill="var(--reserved)" />
        <path d={paths.agent} fill="var(--talking)" />
        <rect x={place * width} y={0} width={1} height={2 * HALF} fill="var(--text)" />
      </svg>
      <figcaption className="quiet">
        <span style={{ color: "var(--reserved)" }}>▲ {t("recordings.caller")}</span>
        <span style={{ color: "var(--talking)" }}>▼ {t("recordings.agent")}</span>
      </figcaption>
    </figure>
  );
}

function path(values: readonly number[], side: 1 | -1): string {
  return values
    .map((value, column) => {
      const height = Math.max(0.4, Math.sqrt(value) * (HALF - 1));
      const top = side === 1 ? HALF : HALF - height;
      return `M${String(column)} ${top.toFixed(1)}h.8v${height.toFixed(1)}h-.8z`;
    })
    .join("");
}
