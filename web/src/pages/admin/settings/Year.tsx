import { Button, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useWords } from "../../../i18n/useWords";
import { cx } from "../../../ui/cx";
import { useHolidays } from "./useHolidays";
import { kindOf, lacksDays, monthOf, turned, withLists, type DayKind, type Exceptions } from "./days";

const MARKS: Readonly<Record<DayKind, string>> = { week: "", closed: "×", own: "◐", make_up: "+" };

interface Calendar extends Exceptions {
  readonly holidays?: readonly string[];
}

interface Props {
  readonly value: Calendar;
  readonly disabled: boolean;
  readonly onChange: (value: Calendar) => void;
}

/** A year of single days: holidays, own closures, make-up working days. A press turns a day to the next kind. */
export function Year({ value, disabled, onChange }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const lists = useHolidays() ?? [];
  const chosen = value.holidays ?? [];
  const names = lists.map(({ id }) => id);
  const shown = withLists(value, lists);
  const [year, setYear] = useState(() => new Date().getFullYear());
  return (
    <div className="setting-year">
      <div className="setting-year-head">
        <Button
          size="small"
          aria-label={t("settings.yearBefore")}
          onClick={() => {
            setYear(year - 1);
          }}
        >
          ‹
        </Button>
        <b className="num">{year}</b>
        <Button
          size="small"
          aria-label={t("settings.yearAfter")}
          onClick={() => {
            setYear(year + 1);
          }}
        >
          ›
        </Button>
        <Select
          size="small"
          mode="multiple"
          className="grow"
          placeholder={t("settings.holidays")}
          aria-label={t("settings.holidays")}
          options={[...names, ...chosen.filter((name) => !names.includes(name))].map((name) => ({ value: name, label: words.name("settingChoice", name) }))}
          value={[...chosen]}
          disabled={disabled}
          onChange={(holidays) => {
            onChange({ ...value, holidays });
          }}
        />
      </div>
      {lacksDays(value, lists, year) ? (
        <p className="setting-problem" role="status">
          {t("settings.noHolidays", { year })}
        </p>
      ) : null}
      <p className="quiet setting-year-marks">
        {(["closed", "make_up", "own"] as const).map((kind) => `${MARKS[kind]} ${t(`settings.day.${kind}`)}`).join(" · ")}
      </p>
      <div className="setting-months">
        {Array.from({ length: 12 }, (_none, month) => (
          <div key={month} role="group" aria-label={words.month(year, month)}>
            <b>{words.month(year, month)}</b>
            <div className="setting-month">
              {monthOf(year, month).map((day, place) => {
                if (day === null) {
                  return <span key={place} />;
                }
                const kind = kindOf(day, shown);
                return (
                  <button
                    key={day}
                    type="button"
                    className={cx("setting-date", kind)}
                    disabled={disabled}
                    data-day={day}
                    title={t(`settings.day.${kind}`)}
                    aria-label={`${day}: ${t(`settings.day.${kind}`)}`}
                    onClick={() => {
                      onChange({ ...value, ...turned(day, value, kind) });
                    }}
                  >
                    {Number(day.slice(8))}
                    {MARKS[kind]}
                  </button>
                );
              })}
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}
