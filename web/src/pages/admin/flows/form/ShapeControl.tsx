import { AutoComplete, Input, InputNumber, Select, Switch } from "antd";
import type { Aria } from "../../settings/FieldFrame";
import type { Shape } from "../schema";
import { fill, named } from "../../../../i18n/places";
import { useFlowWords } from "../words";
import { useForm } from "./context";
import { EitherControl, GroupControl, ListControl, MapControl } from "./parts";
import { PromptControl } from "./PromptControl";
import { useNames } from "./useNames";

export interface ShapeProps {
  readonly shape: Shape;
  readonly aria: Aria;
  readonly label: string;
  readonly value: unknown;
  readonly fallback?: unknown;
  readonly path: string;
  readonly onChange: (value: unknown) => void;
}

/** The control of a value, by its shape in the schema. An emptied field is left out of the document. */
export function ShapeControl(props: ShapeProps) {
  const { shape, aria, value, fallback, onChange } = props;
  const words = useFlowWords();
  const { disabled } = useForm();
  const text = typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
  const given = (after: string) => {
    onChange(after === "" ? undefined : after);
  };
  switch (shape.type) {
    case "text":
    case "expression": {
      const shared = {
        ...aria,
        disabled,
        value: text,
        onChange: (event: { readonly target: { readonly value: string } }) => {
          given(event.target.value);
        },
      };
      return shape.type === "text" && !shape.long ? (
        <Input {...shared} />
      ) : (
        <Input.TextArea
          {...shared}
          autoSize={{ minRows: 1, maxRows: 6 }}
          {...(shape.type === "expression" ? { className: "flow-code", spellCheck: false, title: words.properties.expressionHint } : {})}
        />
      );
    }
    case "number":
      return (
        <InputNumber
          {...aria}
          disabled={disabled}
          value={text === "" ? null : Number(text)}
          placeholder={typeof fallback === "number" ? String(fallback) : words.properties.unset}
          {...(shape.least === undefined ? {} : { min: shape.least })}
          {...(shape.most === undefined ? {} : { max: shape.most })}
          step={shape.whole ? 1 : 0.5}
          onChange={(number) => {
            onChange(number ?? undefined);
          }}
        />
      );
    case "flag":
      return <Switch id={aria.id} size="small" disabled={disabled} checked={(value ?? fallback) === true || value === "true"} onChange={onChange} />;
    case "choice":
      return <Choice {...props} of={shape.of} many={false} />;
    case "node":
      return <NodeChoice {...props} />;
    case "name":
      return <NameControl {...props} of={shape.of} />;
    case "prompt":
      return <PromptControl {...props} parts={shape.parts} />;
    case "list":
      return shape.item.type === "choice" ? (
        <Choice {...props} of={shape.item.of} many />
      ) : shape.item.type === "text" || shape.item.type === "name" ? (
        <TextList {...props} of={shape.item.type === "name" ? shape.item.of : ""} />
      ) : (
        <ListControl {...props} item={shape.item} />
      );
    case "map":
      return <MapControl {...props} of={shape} />;
    case "group":
      return <GroupControl {...props} group={shape} />;
    case "either":
      return <EitherControl {...props} of={shape.of} />;
  }
}

function Choice({ of, many, aria, value, fallback, onChange }: ShapeProps & { readonly of: readonly string[]; readonly many: boolean }) {
  const words = useFlowWords();
  const { disabled } = useForm();
  const shown: readonly unknown[] | string | null = many ? (Array.isArray(value) ? value : []) : typeof value === "string" ? value : null;
  return (
    <Select
      {...aria}
      {...(many ? { mode: "multiple" as const } : {})}
      allowClear
      disabled={disabled}
      placeholder={typeof fallback === "string" ? named(words.choices, fallback) : words.properties.unset}
      options={of.map((one) => ({ value: one, label: named(words.choices, one) }))}
      value={shown}
      onChange={(chosen: unknown) => {
        onChange(chosen === null || (Array.isArray(chosen) && chosen.length === 0) ? undefined : chosen);
      }}
    />
  );
}

/** Where an exit leads. */
function NodeChoice({ aria, label, value, onChange }: ShapeProps) {
  const words = useFlowWords();
  const { nodes, disabled } = useForm();
  return (
    <Select
      {...aria}
      aria-label={label}
      showSearch
      allowClear
      disabled={disabled}
      placeholder={words.properties.nowhere}
      options={nodes.map((name) => ({ value: name, label: name }))}
      value={typeof value === "string" ? value : null}
      onChange={(chosen: string | undefined) => {
        onChange(chosen);
      }}
    />
  );
}

/** A text that names something: what there is is offered, other names may be written. */
export function NameControl({ of, aria, label, value, onChange }: ShapeProps & { readonly of: string }) {
  const words = useFlowWords();
  const { disabled } = useForm();
  const { options, whole } = useNames(of);
  const unknown = whole && typeof value === "string" && value !== "" && !options.some((option) => option.value === value);
  return (
    <AutoComplete
      {...aria}
      aria-label={label}
      {...(unknown ? { status: "warning" as const, title: fill(words.reasons.noSuch, { what: named(words.fields, of), name: value }) } : {})}
      disabled={disabled}
      allowClear
      options={[...options]}
      showSearch={{ filterOption: (typed, option) => `${option?.value ?? ""} ${option?.label ?? ""}`.toLowerCase().includes(typed.toLowerCase()) }}
      value={typeof value === "string" ? value : ""}
      onChange={(text: string) => {
        onChange(text === "" ? undefined : text);
      }}
    />
  );
}

function TextList({ of, aria, value, onChange }: ShapeProps & { readonly of: string }) {
  const { disabled } = useForm();
  const { options } = useNames(of);
  return (
    <Select
      {...aria}
      mode="tags"
      disabled={disabled}
      {...(options.length === 0 ? { open: false, suffix: null } : {})}
      options={[...options]}
      value={Array.isArray(value) ? value.map(String) : []}
      onChange={(texts: string[]) => {
        onChange(texts.length === 0 ? undefined : texts);
      }}
    />
  );
}
