import { Button, Input } from "antd";
import { isTree } from "../document";
import type { Field } from "../schema";
import { fill, named } from "../../../../i18n/places";
import { useFlowWords } from "../words";
import { LANGUAGES, useForm } from "./context";
import { withField } from "./parts";
import { ListenButton } from "./ListenButton";
import { RecordingControl } from "./RecordingControl";
import { NameControl, type ShapeProps } from "./ShapeControl";

type Part = Readonly<Record<string, unknown>>;

/** A prompt in each language of the flow: words, recordings, and variables that are read. */
export function PromptControl({ parts, value, path, label, onChange }: ShapeProps & { readonly parts: readonly Field[] }) {
  const { languages, problems } = useForm();
  const tree = isTree(value) ? value : {};
  return (
    <div className="flow-prompt" role="group" aria-label={label}>
      {languages.map((language) => (
        <section key={language} lang={language}>
          <OneLanguage
            language={language}
            parts={parts}
            value={tree[language]}
            path={`${path}.${language}`}
            onChange={(after) => {
              onChange(withField(tree, language, after));
            }}
          />
          {problems[`${path}.${language}`] === undefined ? null : <p className="setting-problem">{problems[`${path}.${language}`]}</p>}
        </section>
      ))}
    </div>
  );
}

interface LanguageProps {
  readonly language: string;
  readonly parts: readonly Field[];
  readonly value: unknown;
  readonly path: string;
  readonly onChange: (value: unknown) => void;
}

function OneLanguage({ language, parts, value, path, onChange }: LanguageProps) {
  const words = useFlowWords();
  const { disabled } = useForm();
  const list: readonly Part[] = typeof value === "string" ? [{ text: value }] : Array.isArray(value) ? value.filter(isTree) : [];
  const only = list.length === 0 || (list.length === 1 && "text" in (list[0] ?? {}));
  const put = (after: readonly Part[]) => {
    const [first] = after;
    const plain = after.length === 1 && typeof first?.text === "string" ? first.text : null;
    onChange(after.length === 0 || plain === "" ? undefined : (plain ?? after));
  };
  return (
    <>
      <header>
        <b>{LANGUAGES[language] ?? language}</b>
        <span className="grow" />
        <Button
          size="small"
          type="text"
          disabled={disabled}
          onClick={() => {
            put([...(list.length === 0 ? [{ text: "" }] : list), { text: "" }]);
          }}
        >
          + {words.prompt.addPart}
        </Button>
        <ListenButton language={language} prompt={value} />
      </header>
      {only ? (
        <Input.TextArea
          id={path}
          aria-label={`${words.fields.prompt} ${LANGUAGES[language] ?? language}`}
          data-prompt={path}
          disabled={disabled}
          autoSize={{ minRows: 2, maxRows: 8 }}
          placeholder={words.prompt.placeholder}
          value={typeof list[0]?.text === "string" ? list[0].text : ""}
          onChange={(event) => {
            put([{ text: event.target.value }]);
          }}
        />
      ) : (
        list.map((part, at) => (
          <OnePart
            key={at}
            part={part}
            parts={parts}
            language={language}
            label={fill(words.prompt.part, { number: at + 1 })}
            path={`${path}.${String(at)}`}
            onChange={(after) => {
              put(after === null ? list.filter((_one, place) => place !== at) : list.map((old, place) => (place === at ? after : old)));
            }}
          />
        ))
      )}
    </>
  );
}

interface PartProps {
  readonly part: Part;
  readonly parts: readonly Field[];
  readonly language: string;
  readonly label: string;
  readonly path: string;
  readonly onChange: (part: Part | null) => void;
}

function OnePart({ part, parts, language, label, path, onChange }: PartProps) {
  const words = useFlowWords();
  const { disabled, problems } = useForm();
  const [reading = "text"] = Object.keys(part);
  const shape = parts.find(({ name }) => name === reading)?.shape;
  const value = part[reading];
  const aria = { id: path, "aria-invalid": problems[path] !== undefined, "aria-describedby": undefined };
  const set = (after: unknown) => {
    onChange({ [reading]: after ?? "" });
  };
  return (
    <div className="flow-part">
      <select
        className="flow-select"
        aria-label={label}
        disabled={disabled}
        value={reading}
        onChange={(event) => {
          onChange({ [event.target.value]: "" });
        }}
      >
        {parts.map(({ name }) => (
          <option key={name} value={name}>
            {named(words.prompt, name)}
          </option>
        ))}
      </select>
      {shape?.type === "name" && shape.of === "recording" ? (
        <RecordingControl language={language} aria={aria} value={value} onChange={set} />
      ) : shape?.type === "name" ? (
        <NameControl shape={shape} of={shape.of} aria={aria} label={label} value={value} path={path} onChange={set} />
      ) : (
        <Input.TextArea
          {...aria}
          aria-label={label}
          disabled={disabled}
          autoSize={{ minRows: 1, maxRows: 6 }}
          value={typeof value === "string" ? value : ""}
          onChange={(event) => {
            set(event.target.value);
          }}
        />
      )}
      <Button
        type="text"
        size="small"
        disabled={disabled}
        aria-label={`${words.properties.takeAway} ${label}`}
        onClick={() => {
          onChange(null);
        }}
      >
        ×
      </Button>
      {problems[path] === undefined ? null : <p className="setting-problem">{problems[path]}</p>}
    </div>
  );
}
