/** Controls of values that have parts: levels of skills, lists of things, groups of fields. */
import { Button, InputNumber, Select, Switch } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useWords } from "../../../i18n/useWords";
import type { ControlProps } from "./Control";
import { Fields } from "./Fields";
import type { Field, Item } from "./kind";
import { useOptions } from "./useOptions";

interface LevelsProps extends Pick<ControlProps, "label" | "disabled" | "onChange"> {
  readonly kind: string;
  readonly value: Readonly<Record<string, number>>;
}

/** Levels from 1 to 10 by skill. */
export function Levels({ kind, label, value, disabled, onChange }: LevelsProps) {
  const { t } = useTranslation();
  const options = useOptions(useMemo(() => ({ kind }), [kind]));
  const without = (name: string) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
  return (
    <div className="setting-rows" role="group" aria-label={label}>
      {Object.entries(value).map(([name, level]) => (
        <div key={name} className="setting-level">
          <span>{options.find((option) => option.value === name)?.label ?? name}</span>
          <InputNumber
            size="small"
            min={1}
            max={10}
            precision={0}
            aria-label={name}
            value={level}
            disabled={disabled}
            onChange={(wanted) => {
              if (wanted !== null) {
                onChange({ ...value, [name]: wanted });
              }
            }}
          />
          <Button
            size="small"
            type="text"
            aria-label={t("settings.takeAway", { name })}
            disabled={disabled}
            onClick={() => {
              onChange(without(name));
            }}
          >
            ✕
          </Button>
        </div>
      ))}
      <Select
        size="small"
        placeholder={t("settings.addOne")}
        aria-label={t("settings.addOne")}
        showSearch={{ optionFilterProp: "label" }}
        value={null}
        disabled={disabled}
        options={options.filter((option) => !(option.value in value))}
        onChange={(name: string | null) => {
          if (name !== null) {
            onChange({ ...value, [name]: 5 });
          }
        }}
      />
    </div>
  );
}

interface ListProps extends Pick<ControlProps, "label" | "path" | "problems" | "disabled" | "onChange"> {
  readonly fields: readonly Field[];
  readonly fresh: Item;
  readonly value: readonly Item[];
}

interface RowsProps extends ListProps {
  readonly ordered: boolean;
}

/** A list of things, in order. */
export function Rows({ fields, fresh, label, value, path, problems, disabled, ordered, onChange }: RowsProps) {
  const { t } = useTranslation();
  const words = useWords();
  const move = (from: number, to: number) => {
    onChange(value.map((row, place) => (place === from ? (value[to] ?? row) : place === to ? (value[from] ?? row) : row)));
  };
  return (
    <div className="setting-rows" role="group" aria-label={label}>
      {value.map((row, place) => (
        <div key={place} className="setting-part">
          <Fields
            fields={fields}
            draft={row}
            path={`${path}.${String(place)}.`}
            problems={problems}
            disabled={disabled}
            onChange={(changed) => {
              onChange(value.map((one, at) => (at === place ? changed : one)));
            }}
          />
          <div className="setting-part-ends">
            {ordered ? (
              <>
                <Button
                  size="small"
                  type="text"
                  aria-label={`${words.name("settingChoice", "move_up")} ${String(place + 1)}`}
                  disabled={disabled || place === 0}
                  onClick={() => {
                    move(place, place - 1);
                  }}
                >
                  ↑
                </Button>
                <Button
                  size="small"
                  type="text"
                  aria-label={`${words.name("settingChoice", "move_down")} ${String(place + 1)}`}
                  disabled={disabled || place === value.length - 1}
                  onClick={() => {
                    move(place, place + 1);
                  }}
                >
                  ↓
                </Button>
              </>
            ) : null}
            <Button
              size="small"
              type="text"
              disabled={disabled}
              onClick={() => {
                onChange(value.filter((_one, at) => at !== place));
              }}
            >
              {t("settings.takeAway", { name: String(place + 1) })}
            </Button>
          </div>
        </div>
      ))}
      <Button
        size="small"
        disabled={disabled}
        onClick={() => {
          onChange([...value, fresh]);
        }}
      >
        {t("settings.addOne")}
      </Button>
    </div>
  );
}

interface GroupProps extends Omit<ListProps, "value"> {
  readonly value: Item | null;
  readonly always: boolean;
}

/** Fields that are there together, or not at all. */
export function Group({ fields, fresh, label, value, path, problems, disabled, always, onChange }: GroupProps) {
  return (
    <div className="setting-rows">
      {always ? null : (
        <Switch
          aria-label={label}
          checked={value !== null}
          disabled={disabled}
          onChange={(on) => {
            onChange(on ? fresh : null);
          }}
        />
      )}
      {value === null ? null : (
        <div className="setting-part" role="group" aria-label={label}>
          <Fields fields={fields} draft={value} path={`${path}.`} problems={problems} disabled={disabled} onChange={onChange} />
        </div>
      )}
    </div>
  );
}
