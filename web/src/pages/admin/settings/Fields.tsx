import { useWords } from "../../../i18n/useWords";
import { Control } from "./Control";
import { FieldFrame } from "./FieldFrame";
import type { Field, Item, Value } from "./kind";

interface Props {
  readonly fields: readonly Field[];
  readonly draft: Item;
  /** Where the server finds these fields: `call_back.`. */
  readonly path: string;
  readonly problems: Readonly<Record<string, string>>;
  readonly disabled: boolean;
  readonly onChange: (draft: Item) => void;
}

export function Fields({ fields, draft, path, problems, disabled, onChange }: Props) {
  const words = useWords();
  return fields
    .filter(({ when }) => when?.(draft) ?? true)
    .map((field) => {
      const label = words.name("settingField", field.words ?? field.name);
      return (
        <FieldFrame
          key={field.name}
          name={`${path}${field.name}`}
          label={label}
          hint={words.hint(field.words ?? field.name)}
          problem={problemOf(problems, `${path}${field.name}`, field.type === "group")}
        >
          {(aria) => (
            <Control
              field={field}
              label={label}
              aria={aria}
              value={field.type === "year" ? draft : draft[field.name]}
              path={`${path}${field.name}`}
              problems={problems}
              disabled={disabled}
              onChange={(value: Value) => {
                onChange({ ...draft, ...(field.type === "year" ? (value as Item) : { [field.name]: value }) });
              }}
            />
          )}
        </FieldFrame>
      );
    });
}

/** What is said of a field or of a part of it; a group's parts say it themselves. */
function problemOf(problems: Readonly<Record<string, string>>, path: string, own: boolean): string | undefined {
  const parts = own ? [] : Object.entries(problems).filter(([where]) => where.startsWith(`${path}.`));
  return problems[path] ?? parts[0]?.[1];
}
