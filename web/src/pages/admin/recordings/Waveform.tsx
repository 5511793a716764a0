import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../../live/types";

interface Props {
  /** Both sides, 0–255. */
  readonly shape: Schemas["WaveformRow"];
  /** 0–1 */
  readonly place: number;
  /** Moments with a comment, 0–1. */
  readonly marks: readonly number[];
  readonly onSeek: (share: number) => void;
}

const HALF = 26;
const COLUMNS = 360;

/** The caller above the line, the agent below; a click goes there (the player's own slider does it by keys). */
export function Waveform({ shape, place, marks, onSeek }: Props) {
  const { t } = useTranslation();
  const paths = useMemo(() => ({ caller: path(shape.left, -1), agent: path(shape.right, 1) }), [shape]);
  return (
    <figure className="waveform">
      <svg
        viewBox={`0 0 ${String(COLUMNS)} ${String(2 * HALF)}`}
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
        {marks.map((mark, index) => (
          <rect key={index} className="comment-mark" x={mark * COLUMNS} y={0} width={1.2} height={2 * HALF} fill="var(--waiting)" />
        ))}
        <rect x={place * COLUMNS} y={0} width={1} height={2 * HALF} fill="var(--text)" />
      </svg>
      <figcaption className="quiet">
        <span style={{ color: "var(--reserved)" }}>▲ {t("recordings.caller")}</span>
        <span style={{ color: "var(--talking)" }}>▼ {t("recordings.agent")}</span>
      </figcaption>
    </figure>
  );
}

/** The loudest of each column, 0–1. */
export function columns(values: readonly number[], count: number): number[] {
  const width = values.length / count;
  return Array.from({ length: count }, (_, column) => {
    const part = values.slice(Math.floor(column * width), Math.max(Math.ceil((column + 1) * width), Math.floor(column * width) + 1));
    return Math.max(0, ...part) / 255;
  });
}

function path(values: readonly number[], side: 1 | -1): string {
  return columns(values, COLUMNS)
    .map((value, column) => {
      const height = Math.max(0.4, Math.sqrt(value) * (HALF - 1));
      const top = side === 1 ? HALF : HALF - height;
      return `M${String(column)} ${top.toFixed(1)}h.8v${height.toFixed(1)}h-.8z`;
    })
    .join("");
}
