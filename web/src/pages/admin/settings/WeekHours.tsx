import { Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useWords } from "../../../i18n/useWords";
import { spansOf, textOfSpans, type Span, type Week } from "./days";

interface Props {
  readonly value: Week;
  readonly disabled: boolean;
  readonly onChange: (value: Week) => void;
}

/** Hours of each weekday, as text: `09:00-12:00 13:00-18:00`. */
export function WeekHours({ value, disabled, onChange }: Props) {
  return (
    <div className="setting-rows">
      {[0, 1, 2, 3, 4, 5, 6].map((weekday) => (
        <Day
          key={weekday}
          weekday={weekday}
          spans={value[weekday] ?? []}
          disabled={disabled}
          onChange={(spans) => {
            const rest = Object.entries(value).filter(([day]) => day !== String(weekday));
            onChange(Object.fromEntries(spans.length === 0 ? rest : [...rest, [String(weekday), spans] as const].sort()));
          }}
        />
      ))}
    </div>
  );
}

interface DayProps {
  readonly weekday: number;
  readonly spans: readonly Span[];
  readonly disabled: boolean;
  readonly onChange: (spans: readonly Span[]) => void;
}

function Day({ weekday, spans, disabled, onChange }: DayProps) {
  const { t } = useTranslation();
  const words = useWords();
  const [text, setText] = useState(textOfSpans(spans));
  const wrong = spansOf(text) === null;
  const label = words.weekday(weekday);
  return (
    <div className="setting-day">
      <span>{label}</span>
      <Input
        size="small"
        aria-label={label}
        aria-invalid={wrong}
        status={wrong ? "error" : ""}
        title={wrong ? t("settings.hoursWrong") : undefined}
        placeholder={t("settings.closed")}
        value={text}
        disabled={disabled}
        onChange={(event) => {
          setText(event.target.value);
          const read = spansOf(event.target.value);
          if (read !== null) {
            onChange(read);
          }
        }}
      />
    </div>
  );
}
