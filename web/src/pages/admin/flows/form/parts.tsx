import { Button, Input, Segmented } from "antd";
import { useId, useState } from "react";
import { freeName, freshOf, isTree, KEYS } from "../document";
import type { Shape } from "../schema";
import { fill, named } from "../../../../i18n/places";
import { useFlowWords } from "../words";
import { useForm } from "./context";
import { FlowField } from "./FlowField";
import { ShapeControl, type ShapeProps } from "./ShapeControl";

type GroupShape = Extract<Shape, { readonly type: "group" }>;
type MapShape = Extract<Shape, { readonly type: "map" }>;

/** Fields that belong together; or, of those with `one`, the single one that is chosen. */
export function GroupControl({ group, value, path, label, onChange }: ShapeProps & { readonly group: GroupShape }) {
  const tree = isTree(value) ? value : {};
  if (group.one) {
    return <OneOf group={group} value={tree} path={path} label={label} onChange={onChange} />;
  }
  return (
    <div className="setting-part" role="group" aria-label={label}>
      {group.fields.map((field) => (
        <FlowField
          key={field.name}
          field={field}
          value={tree[field.name]}
          path={`${path}.${field.name}`}
          onChange={(after) => {
            onChange(withField(tree, field.name, after));
          }}
        />
      ))}
    </div>
  );
}

export function withField(tree: Readonly<Record<string, unknown>>, name: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined ? Object.fromEntries(Object.entries(tree).filter(([key]) => key !== name)) : { ...tree, [name]: value };
}

interface OneOfProps {
  readonly group: GroupShape;
  readonly value: Readonly<Record<string, unknown>>;
  readonly path: string;
  readonly label: string;
  readonly onChange: (value: unknown) => void;
}

function OneOf({ group, value, path, label, onChange }: OneOfProps) {
  const words = useFlowWords();
  const { disabled, problems } = useForm();
  const [picked, setPicked] = useState(Object.keys(value)[0] ?? group.fields[0]?.name ?? "");
  const [given] = Object.keys(value);
  const field = group.fields.find(({ name }) => name === (given ?? picked)) ?? group.fields[0];
  const id = useId();
  if (field === undefined) {
    return null;
  }
  const below = `${path}.${field.name}`;
  return (
    <div className="flow-one-of" role="group" aria-label={label}>
      <select
        className="flow-select"
        aria-label={label}
        disabled={disabled}
        value={field.name}
        onChange={(event) => {
          const next = group.fields.find(({ name }) => name === event.target.value);
          setPicked(event.target.value);
          const fresh = next === undefined ? undefined : freshOf(next.shape);
          onChange(fresh === undefined ? {} : { [event.target.value]: fresh });
        }}
      >
        {group.fields.map(({ name }) => (
          <option key={name} value={name}>
            {named(words.fields, name)}
          </option>
        ))}
      </select>
      <ShapeControl
        shape={field.shape}
        aria={{ id, "aria-invalid": problems[below] !== undefined, "aria-describedby": undefined }}
        label={named(words.fields, field.name)}
        value={value[field.name]}
        path={below}
        onChange={(after) => {
          onChange(after === undefined ? {} : { [field.name]: after });
        }}
      />
      {problems[below] === undefined ? null : <p className="setting-problem">{problems[below]}</p>}
    </div>
  );
}

/** Several of the same: cases, questions, sounds, announcements. */
export function ListControl({ item, value, path, label, onChange }: ShapeProps & { readonly item: Shape }) {
  const words = useFlowWords();
  const { disabled, problems } = useForm();
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return (
    <div className="flow-list">
      {list.map((one, at) => {
        const below = `${path}.${String(at)}`;
        return (
          <div className="flow-list-item" key={at}>
            <span className="flow-place num quiet">{at + 1}</span>
            <ShapeControl
              shape={item}
              aria={{ id: `${path}-${String(at)}`, "aria-invalid": false, "aria-describedby": undefined }}
              label={`${label} ${String(at + 1)}`}
              value={one}
              path={below}
              onChange={(after) => {
                onChange(list.map((old, place) => (place === at ? (after ?? {}) : old)));
              }}
            />
            <Remove
              disabled={disabled}
              name={`${label} ${String(at + 1)}`}
              onClick={() => {
                onChange(list.filter((_one, place) => place !== at));
              }}
            />
            {problems[below] === undefined ? null : <p className="setting-problem">{problems[below]}</p>}
          </div>
        );
      })}
      <Button
        size="small"
        disabled={disabled}
        onClick={() => {
          onChange([...list, freshOf(item) ?? {}]);
        }}
      >
        {words.properties.addOne}
      </Button>
    </div>
  );
}

/** Names and what they stand for: keys and nodes, parameters and variables. */
export function MapControl({ of, value, path, label, onChange }: ShapeProps & { readonly of: MapShape }) {
  const words = useFlowWords();
  const { disabled, problems, languages } = useForm();
  const tree = isTree(value) ? value : {};
  const entries = Object.entries(tree);
  const names = of.key.type === "choice" ? of.key.of.filter((name) => languages.includes(name)) : [];
  const fresh = () => {
    const keys = of.key.type === "name" && of.key.of === "key" ? KEYS : names;
    return keys.find((key) => !(key in tree)) ?? (keys.length > 0 ? undefined : freeName(of.key.type === "name" ? of.key.of : "value", tree));
  };
  const next = fresh();
  return (
    <div className="flow-list" role="group" aria-label={label}>
      {entries.map(([key, one], at) => {
        const below = `${path}.${key}`;
        return (
          <div className="flow-map-item" key={at}>
            <KeyField
              of={of.key}
              name={key}
              taken={Object.keys(tree)}
              label={`${label} ${String(at + 1)}`}
              onRename={(to) => {
                if (to !== "" && !(to in tree)) {
                  onChange(Object.fromEntries(entries.map(([old, kept]) => [old === key ? to : old, kept])));
                }
              }}
            />
            <ShapeControl
              shape={of.value}
              aria={{ id: `${path}-${key}`, "aria-invalid": problems[below] !== undefined, "aria-describedby": undefined }}
              label={`${label} ${key}`}
              value={one}
              path={below}
              onChange={(after) => {
                onChange({ ...tree, [key]: after ?? "" });
              }}
            />
            <Remove
              disabled={disabled}
              name={`${label} ${key}`}
              onClick={() => {
                const left = withField(tree, key, undefined);
                onChange(Object.keys(left).length === 0 ? undefined : left);
              }}
            />
            {problems[below] === undefined ? null : <p className="setting-problem">{problems[below]}</p>}
          </div>
        );
      })}
      <Button
        size="small"
        disabled={disabled || next === undefined}
        onClick={() => {
          onChange({ ...tree, [next ?? ""]: freshOf(of.value) ?? "" });
        }}
      >
        {words.properties.addOne}
      </Button>
    </div>
  );
}

interface KeyProps {
  readonly of: Shape;
  readonly name: string;
  readonly taken: readonly string[];
  readonly label: string;
  readonly onRename: (to: string) => void;
}

/** The name of an entry; it is changed when the field is left, so that half a name never meets another. */
function KeyField({ of, name, taken, label, onRename }: KeyProps) {
  const { disabled } = useForm();
  const [text, setText] = useState<string | null>(null);
  const done = () => {
    if (text !== null && text !== name) {
      onRename(text.trim());
    }
    setText(null);
  };
  if (of.type === "name" && of.of === "key") {
    return (
      <select
        className="flow-select"
        aria-label={label}
        disabled={disabled}
        value={name}
        onChange={(event) => {
          onRename(event.target.value);
        }}
      >
        {[...new Set([...KEYS, "A", "B", "C", "D", name])].map((key) => (
          <option key={key} value={key} disabled={key !== name && taken.includes(key)}>
            {key}
          </option>
        ))}
      </select>
    );
  }
  return (
    <Input
      className="flow-key-name"
      aria-label={label}
      disabled={disabled}
      value={text ?? name}
      onChange={(event) => {
        setText(event.target.value);
      }}
      onBlur={done}
      onPressEnter={done}
    />
  );
}

/** One form or another: a comparison, or an expression. */
export function EitherControl({ of, ...props }: ShapeProps & { readonly of: readonly Shape[] }) {
  const words = useFlowWords();
  const { disabled } = useForm();
  const isText = (shape: Shape) => shape.type !== "group";
  const at = Math.max(
    0,
    of.findIndex((shape) => isText(shape) === (typeof props.value === "string")),
  );
  const shape = of[at];
  const titles = of.map((one) => (isText(one) ? words.properties.expression : words.properties.comparison));
  return (
    <div className="flow-either">
      <Segmented
        size="small"
        disabled={disabled}
        options={titles.map((label, value) => ({ label, value }))}
        value={at}
        onChange={(chosen) => {
          const next = of[chosen];
          props.onChange(next === undefined ? undefined : isText(next) ? "" : (freshOf(next) ?? {}));
        }}
      />
      {shape === undefined ? null : <ShapeControl {...props} shape={shape} onChange={(after) => { props.onChange(after ?? (isText(shape) ? "" : {})); }} />}
    </div>
  );
}

function Remove({ name, disabled, onClick }: { readonly name: string; readonly disabled: boolean; readonly onClick: () => void }) {
  const words = useFlowWords();
  return (
    <Button type="text" size="small" disabled={disabled} title={words.properties.takeAway} aria-label={fill("{{what}} {{name}}", { what: words.properties.takeAway, name })} onClick={onClick}>
      ×
    </Button>
  );
}
