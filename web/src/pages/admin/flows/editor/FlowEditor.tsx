import { useQuery } from "@tanstack/react-query";
import { ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { Modal, type InputRef } from "antd";
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { useNavigate, useParams } from "react-router";
import { ApiError } from "../../../../api/problem";
import { useMe } from "../../../../api/context";
import { hasRole } from "../../../../api/session";
import { useWords } from "../../../../i18n/useWords";
import { useKey } from "../../../../ui/keys";
import { Failure, Loading, NoPermission, Notice } from "../../../../ui/notices";
import { useToasts } from "../../../../ui/toasts";
import { usePageTitle } from "../../../../ui/usePageTitle";
import { placesOf } from "../document";
import { BOX_WIDTH } from "../layout";
import type { FlowSchema, NodeKind } from "../schema";
import { useFlows, useFlowSchema, useKeptFlow, type Kept } from "../useFlows";
import { useFlowWords } from "../words";
import { Canvas } from "./Canvas";
import { ConflictDialog } from "./ConflictDialog";
import { HeatBar } from "./HeatBar";
import { Palette } from "./Palette";
import { ProblemList } from "./ProblemList";
import { Properties } from "./Properties";
import { PublishDialog } from "./PublishDialog";
import { Toolbar } from "./Toolbar";
import { useEditor } from "./useEditor";
import { useProblems } from "./useProblems";
import { VersionsDrawer } from "./VersionsDrawer";
import "../../settings/settings.css";
import "../flows.css";
import "./editor.css";

const Simulator = lazy(async () => ({ default: (await import("../simulator/SimulatorPanel")).SimulatorPanel }));

const READERS = ["supervisor", "maintainer", "auditor", "admin"] as const;
const CHANGERS = ["supervisor", "admin"] as const;

/** The flow designer: palette, canvas, properties, and the problems below. */
export function FlowEditor() {
  const { name = "" } = useParams();
  const words = useFlowWords();
  const me = useMe();
  const schema = useFlowSchema();
  const flow = useKeptFlow(name);
  usePageTitle(`${name} · ${words.list.title}`);
  const error = flow.error ?? schema.error;
  if (!hasRole(me, ...READERS)) {
    return <Whole state={<NoPermission />} />;
  }
  if (error !== null && (flow.data === undefined || schema.data === undefined)) {
    const gone = error instanceof ApiError && error.status === 404;
    return (
      <Whole
        state={
          gone ? (
            <Notice mark="○" title={words.editor.gone} hint={words.editor.goneHint} role="alert" />
          ) : (
            <Failure
              error={error}
              onRetry={() => {
                void flow.refetch();
                void schema.refetch();
              }}
            />
          )
        }
      />
    );
  }
  if (flow.data === undefined || schema.data === undefined) {
    return <Whole state={<Loading rows={10} />} />;
  }
  return (
    <ReactFlowProvider key={name}>
      <Designer schema={schema.data} name={name} kept={flow.data} may={hasRole(me, ...CHANGERS)} />
    </ReactFlowProvider>
  );
}

function Whole({ state }: { readonly state: React.ReactNode }) {
  return (
    <main id="content" className="content">
      {state}
    </main>
  );
}

interface Props {
  readonly schema: FlowSchema;
  readonly name: string;
  readonly kept: Kept;
  readonly may: boolean;
}

function Designer({ schema, name, kept, may }: Props) {
  const words = useFlowWords();
  const { problem } = useWords();
  const navigate = useNavigate();
  const toasts = useToasts();
  const view = useReactFlow();
  const editor = useEditor(schema, name, kept);
  const checked = useProblems(editor.document);
  const palette = useRef<InputRef>(null);
  const [panel, setPanel] = useState<"publish" | "versions" | "leave" | null>(null);
  const heat = useHeat(name, kept.version);
  const [walking, setWalking] = useState(false);
  const [visited, setVisited] = useState<string | null>(null);
  const [leaving, setLeaving] = useState("/admin/flows");
  useLeaving(editor.dirty, (to) => {
    setLeaving(to);
    setPanel("leave");
  });

  const centre = () => {
    const box = window.document.querySelector(".flow-canvas")?.getBoundingClientRect();
    return view.screenToFlowPosition({ x: (box?.x ?? 0) + (box?.width ?? 0) / 2 - BOX_WIDTH / 2, y: (box?.y ?? 0) + (box?.height ?? 0) / 3 });
  };
  const show = useCallback(
    (node: string) => {
      const at = placesOf(editor.document)[node];
      if (at !== undefined) {
        void view.setCenter(at.x + BOX_WIDTH / 2, at.y + 60, { zoom: Math.max(view.getZoom(), 0.7), duration: 200 });
      }
    },
    [view, editor.document],
  );
  const add = (kind: NodeKind) => {
    editor.add(kind, null, centre(), editor.follow);
  };
  const onError = (error: Error) => {
    if (!(error instanceof ApiError && error.code === "changed_meanwhile")) {
      void toasts.error(error instanceof ApiError && error.status !== 0 ? error.message : problem(error));
    }
  };
  const save = () => {
    if (may && editor.dirty && !editor.save.isPending) {
      editor.save.mutate({ revision: editor.revision }, { onError });
    }
  };
  const publish = () => {
    if (!editor.dirty) {
      setPanel("publish");
    } else if (!editor.save.isPending) {
      editor.save.mutate(
        { revision: editor.revision },
        {
          onSuccess: () => {
            setPanel("publish");
          },
          onError,
        },
      );
    }
  };
  const jump = (node: string | null, field: string) => {
    editor.choose(node === null ? [] : [node]);
    if (node !== null) {
      show(node);
    }
    focusSoon(`[data-field='${CSS.escape(field)}'] :is(input, textarea, button), [data-prompt='${CSS.escape(field)}']`);
  };
  const actions = {
    back: () => {
      setLeaving("/admin/flows");
      if (editor.dirty) {
        setPanel("leave");
      } else {
        void navigate("/admin/flows");
      }
    },
    undo: editor.undo,
    redo: editor.redo,
    arrange: () => {
      editor.arrange();
      setTimeout(() => void view.fitView({ maxZoom: 1, padding: 0.12, duration: 200 }), 50);
    },
    fit: () => void view.fitView({ maxZoom: 1, padding: 0.12, duration: 200 }),
    save,
    publish,
    versions: () => {
      setPanel("versions");
    },
    heat: heat.toggle,
    walk: () => {
      setWalking(!walking);
      setVisited(null);
    },
  };
  useEditorKeys(editor, actions, may, palette);
  useNewlyChosen(editor.single, show);
  return (
    <main id="content" className="flow-editor">
      <Toolbar editor={editor} kept={kept} may={may} heat={heat.on} walking={walking} actions={actions} />
      <div className="flow-desk">
        <Palette editor={editor} may={may} field={palette} onAdd={add} />
        <div className="flow-middle">
          {heat.on ? <HeatBar heat={heat.data} hours={heat.hours} onHours={heat.setHours} /> : null}
          <Canvas
            editor={editor}
            problems={checked.problems}
            heat={heat.on ? heat.data : null}
            visited={visited}
            may={may}
            onAsk={() => {
              palette.current?.focus();
            }}
          />
          <ProblemList checked={checked} onJump={jump} />
        </div>
        {walking ? (
          <aside className="flow-properties" aria-label={words.editor.simulate}>
            <Suspense fallback={<Loading rows={6} />}>
              <Simulator document={editor.document} onVisit={setVisited} />
            </Suspense>
          </aside>
        ) : (
          <Properties editor={editor} problems={checked.problems} may={may} />
        )}
      </div>
      {panel === "publish" ? (
        <PublishDialog
          editor={editor}
          version={kept.version}
          problems={checked.problems}
          onClose={() => {
            setPanel(null);
          }}
        />
      ) : null}
      {panel === "versions" ? (
        <VersionsDrawer
          editor={editor}
          may={may}
          onClose={() => {
            setPanel(null);
          }}
        />
      ) : null}
      <ConflictDialog editor={editor} />
      <Modal
        open={panel === "leave"}
        title={words.editor.leave}
        okText={words.editor.discard}
        okButtonProps={{ danger: true }}
        cancelText={words.editor.stay}
        onOk={() => void navigate(leaving)}
        onCancel={() => {
          setPanel(null);
        }}
      >
        <p>{words.editor.leaveHint}</p>
      </Modal>
    </main>
  );
}

/** Links and keys of the frame around the designer ask first, too. */
function useLeaving(dirty: boolean, onLeave: (to: string) => void): void {
  const words = useFlowWords();
  useKey("g o", words.editor.leave, () => { onLeave("/"); }, dirty);
  useKey("g w", words.editor.leave, () => { onLeave("/wallboard"); }, dirty);
  useKey("g a", words.editor.leave, () => { onLeave("/admin"); }, dirty);
  const latest = useRef(onLeave);
  useEffect(() => {
    latest.current = onLeave;
  });
  useEffect(() => {
    if (!dirty) {
      return;
    }
    const asked = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[href]") : null;
      if (link !== null && link.origin === window.location.origin && link.target === "" && link.hash === "") {
        event.preventDefault();
        event.stopPropagation();
        latest.current(link.pathname);
      }
    };
    window.document.addEventListener("click", asked, { capture: true });
    return () => {
      window.document.removeEventListener("click", asked, { capture: true });
    };
  }, [dirty]);
}

/** A node that was chosen by key or by another panel is brought into sight; one that is seen stays where it is. */
function useNewlyChosen(single: string | null, show: (node: string) => void): void {
  const latest = useRef(show);
  useEffect(() => {
    latest.current = show;
  });
  useEffect(() => {
    if (single === null) {
      return;
    }
    const canvas = window.document.querySelector(".flow-canvas")?.getBoundingClientRect();
    const box = window.document.querySelector(`.flow-canvas [data-node='${CSS.escape(single)}']`)?.getBoundingClientRect();
    if (canvas !== undefined && (box === undefined || box.left < canvas.left || box.right > canvas.right || box.top < canvas.top || box.top > canvas.bottom - 80)) {
      latest.current(single);
    }
  }, [single]);
}

function useHeat(name: string, version: number | null) {
  const flows = useFlows();
  const [on, setOn] = useState(false);
  const [hours, setHours] = useState(168);
  const { data } = useQuery({
    queryKey: ["flow-heat", name, version, hours],
    queryFn: () => flows.heat(name, version, hours),
    enabled: on,
    staleTime: 30_000,
  });
  return {
    on,
    hours,
    setHours,
    data: data ?? null,
    toggle: () => {
      setOn((before) => !before);
    },
  };
}

interface Actions {
  readonly undo: () => void;
  readonly redo: () => void;
  readonly arrange: () => void;
  readonly fit: () => void;
  readonly save: () => void;
  readonly publish: () => void;
  readonly versions: () => void;
  readonly heat: () => void;
  readonly walk: () => void;
}

/** Every action has a key; those with Ctrl are the ones that hands know from elsewhere. */
function useEditorKeys(editor: ReturnType<typeof useEditor>, actions: Actions, may: boolean, palette: React.RefObject<InputRef | null>): void {
  const words = useFlowWords();
  const one = editor.single !== null;
  useKey("a", words.editor.add, () => palette.current?.focus(), may);
  useKey("c", words.editor.connect, () => { focusSoon(".flow-exits input"); }, may && one);
  useKey("e", words.editor.rename, () => { focusSoon("[data-field='node-name'] input"); }, may && one);
  useKey("Delete", words.editor.remove, editor.remove, may && (editor.chosen.length > 0 || editor.line !== null));
  useKey("Backspace", words.editor.remove, editor.remove, may && (editor.chosen.length > 0 || editor.line !== null));
  useKey("d", words.editor.duplicate, editor.duplicate, may && one);
  useKey("t", words.editor.start, () => {
    const { single } = editor;
    editor.change((now) => (single === null ? now : { ...now, start: single }));
  }, may && one);
  useKey("j", words.editor.nextNode, () => { editor.neighbour(1); });
  useKey("k", words.editor.previousNode, () => { editor.neighbour(-1); });
  useKey("Escape", words.editor.flowProperties, () => { editor.choose([]); });
  useKey("u", words.editor.undo, actions.undo, may && editor.mayUndo);
  useKey("r", words.editor.redo, actions.redo, may && editor.mayRedo);
  useKey("l", words.editor.arrange, actions.arrange, may);
  useKey("f", words.editor.fit, actions.fit);
  useKey("s", words.editor.save, actions.save, may && editor.dirty);
  useKey("p", words.editor.publish, actions.publish, may);
  useKey("v", words.editor.versions, actions.versions);
  useKey("h", words.editor.heat, actions.heat);
  useKey("i", words.editor.simulate, actions.walk);
  useKey("x", words.editor.problemsKey, () => { focusSoon(".flow-problems [data-problem]"); });
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    const known = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || !may) {
        return;
      }
      const key = event.key.toLowerCase();
      const run = key === "s" ? latest.current.save : key === "y" || (key === "z" && event.shiftKey) ? latest.current.redo : key === "z" ? latest.current.undo : null;
      if (run !== null) {
        event.preventDefault();
        run();
      }
    };
    window.addEventListener("keydown", known);
    return () => {
      window.removeEventListener("keydown", known);
    };
  }, [may]);
}

/** Focus what the next drawing of the page brings. */
function focusSoon(selector: string): void {
  requestAnimationFrame(() => {
    requestAnimationFrame(() => {
      const found = window.document.querySelector<HTMLElement>(selector);
      found?.focus();
      found?.scrollIntoView({ block: "nearest" });
    });
  });
}
