import {
  ArrowLeftOutlined,
  ApartmentOutlined,
  ExpandOutlined,
  FireOutlined,
  HistoryOutlined,
  PhoneOutlined,
  RedoOutlined,
  UndoOutlined,
} from "@ant-design/icons";
import { Button } from "antd";
import type { ReactNode } from "react";
import { KeyCap } from "../../../../ui/keys";
import type { Kept } from "../useFlows";
import { fill } from "../../../../i18n/places";
import { useFlowWords } from "../words";
import type { Editor } from "./useEditor";

interface Props {
  readonly editor: Editor;
  readonly kept: Kept;
  readonly may: boolean;
  readonly heat: boolean;
  readonly walking: boolean;
  readonly actions: Readonly<Record<"back" | "undo" | "redo" | "arrange" | "fit" | "save" | "publish" | "versions" | "heat" | "walk", () => void>>;
}

/** Which flow this is and how it stands; what is done with the whole of it. */
export function Toolbar({ editor, kept, may, heat, walking, actions }: Props) {
  const words = useFlowWords();
  const { document, dirty } = editor;
  const title = typeof document.title === "string" && document.title !== "" ? document.title : words.editor.untitled;
  return (
    <header className="flow-toolbar">
      <Button type="text" size="small" icon={<ArrowLeftOutlined />} onClick={actions.back}>
        {words.editor.back}
      </Button>
      <h1>
        {editor.name} <span className="quiet">{title}</span>
      </h1>
      <span className="quiet flow-standing">
        {kept.version === null ? words.editor.unpublished : fill(words.editor.published, { number: kept.version })}
      </span>
      <span className={dirty ? "flow-unsaved" : "quiet"} role="status">
        {dirty ? words.editor.unsaved : words.editor.saved}
      </span>
      <span className="grow" />
      <Tool name={words.editor.undo} keys="u" icon={<UndoOutlined />} disabled={!may || !editor.mayUndo} onClick={actions.undo} />
      <Tool name={words.editor.redo} keys="r" icon={<RedoOutlined />} disabled={!may || !editor.mayRedo} onClick={actions.redo} />
      <Tool name={words.editor.arrange} keys="l" icon={<ApartmentOutlined />} disabled={!may} onClick={actions.arrange} />
      <Tool name={words.editor.fit} keys="f" icon={<ExpandOutlined />} onClick={actions.fit} />
      <Button size="small" type="text" className={heat ? "flow-on" : ""} aria-pressed={heat} aria-keyshortcuts="h" icon={<FireOutlined />} onClick={actions.heat}>
        {words.editor.heat}
        <KeyCap keys="h" />
      </Button>
      <Button size="small" type="text" className={walking ? "flow-on" : ""} aria-pressed={walking} aria-keyshortcuts="i" icon={<PhoneOutlined />} onClick={actions.walk}>
        {words.editor.simulate}
        <KeyCap keys="i" />
      </Button>
      <Button size="small" type="text" aria-keyshortcuts="v" icon={<HistoryOutlined />} onClick={actions.versions}>
        {words.editor.versions}
        <KeyCap keys="v" />
      </Button>
      <Button
        size="small"
        disabled={!may || !dirty}
        title={may ? undefined : words.editor.viewOnly}
        loading={editor.save.isPending}
        aria-keyshortcuts="s"
        onClick={actions.save}
      >
        {words.editor.save}
        <KeyCap keys="s" />
      </Button>
      <Button size="small" type="primary" disabled={!may} title={may ? undefined : words.editor.viewOnly} aria-keyshortcuts="p" onClick={actions.publish}>
        {words.editor.publish}
        <KeyCap keys="p" />
      </Button>
    </header>
  );
}

interface ToolProps {
  readonly name: string;
  readonly keys: string;
  readonly icon: ReactNode;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}

function Tool({ name, keys, icon, disabled = false, onClick }: ToolProps) {
  return <Button size="small" type="text" icon={icon} disabled={disabled} title={`${name} (${keys.toUpperCase()})`} aria-label={name} aria-keyshortcuts={keys} onClick={onClick} />;
}
