import { Input, InputNumber, Select, Switch } from "antd";
import { useTranslation } from "react-i18next";
import type { Aria } from "./FieldFrame";
import { instantOf, localOf } from "./days";
import type { Field, Item, Value } from "./kind";
import { Group, Levels, Rows } from "./parts";
import { useOptions } from "./useOptions";
import { WeekHours } from "./WeekHours";
import { Year } from "./Year";

export interface ControlProps {
  readonly field: Field;
  readonly label: string;
  readonly aria: Aria;
  readonly value: Value;
  readonly path: string;
  readonly problems: Readonly<Record<string, string>>;
  readonly disabled: boolean;
  readonly onChange: (value: Value) => void;
}

/** The control of a field, by its type. */
export function Control(props: ControlProps) {
  const { field, aria, value, disabled, onChange } = props;
  const { t } = useTranslation();
  switch (field.type) {
    case "text":
      return field.long === true ? (
        <Input.TextArea
          {...aria}
          autoSize={{ minRows: 4, maxRows: 14 }}
          value={value as string}
          disabled={disabled}
          onChange={(event) => {
            onChange(event.target.value);
          }}
        />
      ) : (
        <Input
          {...aria}
          value={(value as string | null | undefined) ?? ""}
          disabled={disabled}
          onChange={(event) => {
            onChange(event.target.value === "" && field.empty === null ? null : event.target.value);
          }}
        />
      );
    case "secret":
      return (
        <Input.Password
          {...aria}
          autoComplete="new-password"
          placeholder={t("settings.asItIs")}
          value={(value as string | null | undefined) ?? ""}
          disabled={disabled}
          onChange={(event) => {
            onChange(event.target.value === "" ? null : event.target.value);
          }}
        />
      );
    case "number":
      return (
        <InputNumber
          {...aria}
          value={value as number | null}
          {...(field.least === undefined ? {} : { min: field.least })}
          {...(field.most === undefined ? {} : { max: field.most })}
          step={field.step ?? 1}
          disabled={disabled}
          onChange={(number) => {
            if (number !== null || field.empty === true) {
              onChange(number);
            }
          }}
        />
      );
    case "instant":
      return (
        <Input
          {...aria}
          type="datetime-local"
          value={localOf(value)}
          disabled={disabled}
          onChange={(event) => {
            onChange(instantOf(event.target.value));
          }}
        />
      );
    case "switch":
      return <Switch id={aria.id} checked={value === true} disabled={disabled} onChange={onChange} />;
    case "texts":
      return (
        <Select
          {...aria}
          mode="tags"
          open={false}
          suffix={null}
          tokenSeparators={[" ", ",", ";"]}
          value={(value as string[] | null | undefined) ?? []}
          disabled={disabled}
          onChange={(texts: string[]) => {
            onChange(texts.length === 0 && field.empty === null ? null : texts);
          }}
        />
      );
    case "choice":
    case "choices":
      return <Choice {...props} field={field} />;
    case "levels":
      return <Levels {...props} kind={field.kind} value={(value ?? {}) as Readonly<Record<string, number>>} />;
    case "rows":
      return <Rows {...props} fields={field.fields} fresh={field.fresh} ordered={field.ordered === true} value={(value ?? []) as readonly Item[]} />;
    case "group":
      return <Group {...props} fields={field.fields} fresh={field.fresh} always={field.always === true} value={value as Item | null} />;
    case "week":
      return <WeekHours value={(value ?? {}) as never} disabled={disabled} onChange={onChange} />;
    case "year":
      return <Year value={(value ?? {}) as never} disabled={disabled} onChange={onChange} />;
  }
}

type ChoiceField = Extract<Field, { readonly type: "choice" | "choices" }>;

function Choice({ field, aria, value, disabled, onChange }: Omit<ControlProps, "field"> & { readonly field: ChoiceField }) {
  const options = useOptions(field.options);
  const many = field.type === "choices";
  const { empty } = field;
  return (
    <Select
      {...aria}
      showSearch={{ optionFilterProp: "label" }}
      allowClear={empty !== undefined}
      {...(many ? { mode: "multiple" as const } : {})}
      options={options}
      value={value === "" ? null : Array.isArray(value) ? value.map(String) : value}
      disabled={disabled}
      onChange={(chosen: Value) => {
        const none = chosen === null || chosen === undefined || (many && Array.isArray(chosen) && chosen.length === 0);
        onChange(none ? (empty === null ? null : many ? [] : "") : chosen);
      }}
    />
  );
}
