import { Input, type InputRef } from "antd";
import { useState, type RefObject } from "react";
import { KeyCap } from "../../../../ui/keys";
import type { NodeKind } from "../schema";
import { fill, named } from "../../../../i18n/places";
import { exitName, useFlowWords, type FlowWords } from "../words";
import { DRAGGED } from "./Canvas";
import { Glyph, grouped } from "./glyphs";
import type { Editor } from "./useEditor";

interface Props {
  readonly editor: Editor;
  readonly may: boolean;
  readonly field: RefObject<InputRef | null>;
  readonly onAdd: (kind: NodeKind) => void;
}

/** Every kind of node that the schema knows: pressed, dragged, or found by name and taken with Enter. */
export function Palette({ editor, may, field, onAdd }: Props) {
  const words = useFlowWords();
  const [search, setSearch] = useState("");
  const { kinds } = editor.schema;
  const wanted = search.trim().toLowerCase();
  const groups = grouped([...kinds.keys()]).map(([group, names]) => [group, names.filter((kind) => fits(words, kind, wanted))] as const);
  const first = groups.flatMap(([, names]) => names)[0];
  const take = (name: string | undefined) => {
    const kind = name === undefined ? undefined : kinds.get(name);
    if (kind !== undefined) {
      setSearch("");
      onAdd(kind);
    }
  };
  return (
    <aside className="flow-palette" aria-label={words.palette.title}>
      <Input
        ref={field}
        size="small"
        allowClear
        disabled={!may}
        placeholder={words.palette.search}
        aria-label={words.palette.search}
        aria-keyshortcuts="a"
        suffix={<KeyCap keys="a" />}
        value={search}
        onChange={(event) => {
          setSearch(event.target.value);
        }}
        onPressEnter={(event) => {
          event.currentTarget.blur();
          take(first);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            setSearch("");
            event.currentTarget.blur();
          }
        }}
      />
      <p className="flow-follows quiet" aria-live="polite">
        {editor.follow === null || !may ? "" : fill(words.palette.follows, { exit: exitName(words, editor.follow.path), node: editor.follow.node })}
      </p>
      <div className="flow-kinds">
        {first === undefined ? <p className="quiet">{words.palette.none}</p> : null}
        {groups.map(([group, names]) =>
          names.length === 0 ? null : (
            <div key={group} role="group" aria-label={words.palette.groups[group]}>
              <h2>{words.palette.groups[group]}</h2>
              {names.map((kind) => (
                <button
                  key={kind}
                  type="button"
                  disabled={!may}
                  draggable={may}
                  data-kind={kind}
                  className={wanted !== "" && kind === first ? "first" : ""}
                  title={named(words.kindHints, kind) === kind ? kinds.get(kind)?.description : named(words.kindHints, kind)}
                  onClick={() => {
                    take(kind);
                  }}
                  onDragStart={(event) => {
                    event.dataTransfer.setData(DRAGGED, kind);
                    event.dataTransfer.effectAllowed = "copy";
                  }}
                >
                  <Glyph kind={kind} />
                  {named(words.kinds, kind)}
                </button>
              ))}
            </div>
          ),
        )}
      </div>
    </aside>
  );
}

function fits(words: FlowWords, kind: string, wanted: string): boolean {
  return wanted === "" || `${kind} ${named(words.kinds, kind)}`.toLowerCase().includes(wanted);
}
