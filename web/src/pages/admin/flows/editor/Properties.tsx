import { Input } from "antd";
import { useMemo, useState } from "react";
import { FieldFrame } from "../../settings/FieldFrame";
import { kindOf, languagesOf, variablesOf, whereOf, type NodeDocument } from "../document";
import { FlowField } from "../form/FlowField";
import { FormContext, type FormScope } from "../form/context";
import { withField } from "../form/parts";
import type { Field, Shape } from "../schema";
import type { Problem } from "../useFlows";
import { fill, named } from "../../../../i18n/places";
import { reasonWords, useFlowWords } from "../words";
import { Glyph } from "./glyphs";
import { weight } from "./graph";
import type { Editor } from "./useEditor";

interface Props {
  readonly editor: Editor;
  readonly problems: readonly Problem[];
  readonly may: boolean;
}

/** The form of the chosen node, made from the schema; with none chosen, that of the flow. */
export function Properties({ editor, problems, may }: Props) {
  const words = useFlowWords();
  const { chosen, single, schema, document, nodes, name } = editor;
  const scope = useMemo<FormScope>(
    () => ({
      flow: name,
      node: single ?? "flow",
      languages: languagesOf(document),
      nodes: Object.keys(nodes),
      variables: variablesOf(schema, document),
      problems: Object.fromEntries(
        problems.flatMap(({ path, reason }) => {
          const { node, field } = whereOf(path);
          return node === single ? [[field, reasonWords(words, reason)] as const] : [];
        }),
      ),
      disabled: !may,
      kept: true,
    }),
    [name, single, document, nodes, schema, problems, may, words],
  );
  const node = single === null ? undefined : nodes[single];
  return (
    <aside className="flow-properties" aria-label={words.properties.title}>
      <FormContext value={scope}>
        {chosen.length > 1 ? (
          <div className="flow-several">
            <h2>{fill(words.properties.several, { count: chosen.length })}</h2>
            <p className="quiet">{words.properties.severalHint}</p>
          </div>
        ) : single === null || node === undefined ? (
          <>
            <header>
              <h2>{words.properties.flow}</h2>
            </header>
            <FieldList
              fields={schema.flow}
              tree={document}
              onChange={(field, value) => {
                editor.change((now) => withField(now, field, value), `flow ${field}`);
              }}
            />
          </>
        ) : (
          <NodeForm key={single} editor={editor} name={single} node={node} />
        )}
      </FormContext>
    </aside>
  );
}

function NodeForm({ editor, name, node }: { readonly editor: Editor; readonly name: string; readonly node: NodeDocument }) {
  const words = useFlowWords();
  const kind = editor.schema.kinds.get(kindOf(node));
  return (
    <>
      <header>
        <Glyph kind={kindOf(node)} />
        <h2>{kind === undefined ? words.editor.unknownKind : named(words.kinds, kind.kind)}</h2>
        <p className="quiet">{kind === undefined ? kindOf(node) : kind.kind in words.kindHints ? named(words.kindHints, kind.kind) : kind.description}</p>
      </header>
      <NodeName editor={editor} name={name} />
      <FieldList
        fields={kind?.fields ?? []}
        tree={node}
        onChange={(field, value) => {
          editor.set(name, withField(node, field, value), `${name} ${field}`);
        }}
      />
    </>
  );
}

const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** The name is changed when the field is left: half a name never meets another node. */
function NodeName({ editor, name }: { readonly editor: Editor; readonly name: string }) {
  const words = useFlowWords();
  const [text, setText] = useState(name);
  const problem = text === name ? undefined : !NAME.test(text) ? words.properties.nameWrong : text in editor.nodes ? words.properties.nameTaken : undefined;
  const done = () => {
    if (problem === undefined && text !== name) {
      editor.rename(name, text);
    }
  };
  return (
    <FieldFrame name="node-name" label={words.properties.name} problem={problem}>
      {(aria) => (
        <Input
          {...aria}
          value={text}
          aria-keyshortcuts="e"
          onChange={(event) => {
            setText(event.target.value.trim());
          }}
          onBlur={done}
          onPressEnter={done}
        />
      )}
    </FieldFrame>
  );
}

interface ListProps {
  readonly fields: readonly Field[];
  readonly tree: NodeDocument;
  readonly onChange: (field: string, value: unknown) => void;
}

/** First what the node is about, then where it leads, and below what may stay as it is. */
function FieldList({ fields, tree, onChange }: ListProps) {
  const words = useFlowWords();
  const main = fields.filter((field) => !isExit(field.shape) && (field.required || isMain(field)));
  const exits = fields.filter(({ shape }) => isExit(shape)).sort((one, other) => place(one) - place(other));
  const more = fields.filter((field) => !main.includes(field) && !exits.includes(field));
  const set = more.filter(({ name }) => tree[name] !== undefined).length;
  const shown = (some: readonly Field[]) =>
    some.map((field) => (
      <FlowField
        key={field.name}
        field={field}
        value={tree[field.name]}
        path={field.name}
        onChange={(value) => {
          onChange(field.name, value);
        }}
      />
    ));
  return (
    <>
      {shown(main)}
      {exits.length === 0 ? null : (
        <section className="flow-exits" aria-label={words.properties.exits}>
          <h3>{words.properties.exits}</h3>
          {shown(exits)}
        </section>
      )}
      {more.length === 0 ? null : (
        <details className="flow-more">
          <summary>{set === 0 ? words.properties.more : fill(words.properties.moreCount, { count: set })}</summary>
          {shown(more)}
        </details>
      )}
    </>
  );
}

/** As on the card: keys first, failures last. */
function place({ name, shape }: Field): number {
  return shape.type === "map" ? 0 : weight(name);
}

function isExit(shape: Shape): boolean {
  return shape.type === "node" || (shape.type === "map" && shape.value.type === "node");
}

/** Optional, but one of them is what the node is about: the number or agent of a transfer, the value of a set. */
function isMain({ name, shape }: Field): boolean {
  return ["number", "number_of", "agent", "agent_of", "value", "copy_of", "expression", "mailbox", "mailbox_of", "title", "languages"].includes(name) && shape.type !== "map";
}
