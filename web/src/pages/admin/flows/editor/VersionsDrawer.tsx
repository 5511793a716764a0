import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button, Drawer, Popconfirm } from "antd";
import { useState } from "react";
import { ApiError } from "../../../../api/problem";
import { useWords } from "../../../../i18n/useWords";
import { cx } from "../../../../ui/cx";
import { EmptyNotice, Failure, Loading } from "../../../../ui/notices";
import { useToasts } from "../../../../ui/toasts";
import { withField } from "../form/parts";
import { download, useFlows, type Version } from "../useFlows";
import { fill } from "../../../../i18n/places";
import { useFlowWords } from "../words";
import { DifferenceList } from "./DifferenceList";
import type { Editor } from "./useEditor";

/** Every version that was in service: what it changed, and back to it. */
export function VersionsDrawer({ editor, may, onClose }: { readonly editor: Editor; readonly may: boolean; readonly onClose: () => void }) {
  const words = useFlowWords();
  const flows = useFlows();
  const [open, setOpen] = useState<number | null>(null);
  const versions = useQuery({
    queryKey: ["flow-versions", editor.name, editor.revision],
    queryFn: () => flows.versions(editor.name),
    staleTime: 0,
  });
  const list = versions.data ?? [];
  const shown = list.find(({ number }) => number === open) ?? list[0];
  return (
    <Drawer open size={720} title={`${words.versions.title} · ${editor.name}`} onClose={onClose}>
      {versions.error !== null ? (
        <Failure error={versions.error} onRetry={() => void versions.refetch()} />
      ) : versions.data === undefined ? (
        <Loading rows={4} />
      ) : shown === undefined ? (
        <EmptyNotice title={words.versions.none} hint={words.versions.noneHint} />
      ) : (
        <div className="flow-versions">
          <ol>
            {list.map((version) => (
              <li key={version.number}>
                <VersionButton
                  version={version}
                  chosen={version === shown}
                  onPick={() => {
                    setOpen(version.number);
                  }}
                />
              </li>
            ))}
          </ol>
          <OneVersion key={shown.number} editor={editor} version={shown} may={may} onClose={onClose} />
        </div>
      )}
    </Drawer>
  );
}

function VersionButton({ version, chosen, onPick }: { readonly version: Version; readonly chosen: boolean; readonly onPick: () => void }) {
  const words = useFlowWords();
  const { dateTime } = useWords();
  return (
    <button type="button" className={cx("flow-version", chosen && "chosen")} aria-pressed={chosen} onClick={onPick}>
      <b className="num">{version.number}</b>
      {version.current ? <span className="flow-draft">{words.versions.current}</span> : null}
      <span>{version.note === "" ? <span className="quiet">{words.versions.note}</span> : version.note}</span>
      <span className="quiet">{fill(words.versions.published, { when: dateTime(version.published_at), who: version.published_by })}</span>
    </button>
  );
}

function OneVersion({ editor, version, may, onClose }: { readonly editor: Editor; readonly version: Version; readonly may: boolean; readonly onClose: () => void }) {
  const words = useFlowWords();
  const { problem } = useWords();
  const flows = useFlows();
  const toasts = useToasts();
  const { number } = version;
  const [against, setAgainst] = useState<"before" | "draft">(number > 1 ? "before" : "draft");
  const ends = against === "before" ? ([String(number - 1), String(number)] as const) : ([String(number), "draft"] as const);
  const found = useQuery({
    queryKey: ["flow-differences", editor.name, editor.revision, ...ends],
    queryFn: () => flows.differences(editor.name, ...ends),
  });
  const back = useMutation({
    mutationFn: () => flows.rollBack(editor.name, number),
    onSuccess: async (made) => {
      await editor.refresh();
      void toasts.info(fill(made.in_force ? words.versions.rolledBack : words.publish.stored, { number }));
    },
  });
  const load = useMutation({
    mutationFn: () => flows.version(editor.name, number),
    onSuccess: ({ document }) => {
      // What publishing filled in is no part of a draft.
      editor.load(withField(document, "recordings", undefined), null);
      onClose();
    },
  });
  const failed = back.error ?? load.error ?? found.error;
  return (
    <section>
      <div className="row-actions">
        <Popconfirm
          title={fill(words.versions.rollBackSure, { number })}
          okText={words.versions.rollBack}
          cancelText={words.publish.cancel}
          onConfirm={() => {
            back.mutate();
          }}
        >
          <Button size="small" disabled={!may || version.current} loading={back.isPending}>
            {words.versions.rollBack}
          </Button>
        </Popconfirm>
        <Button
          size="small"
          disabled={!may}
          loading={load.isPending}
          onClick={() => {
            load.mutate();
          }}
        >
          {words.versions.edit}
        </Button>
        <Button
          size="small"
          onClick={() => {
            flows.exported(editor.name, String(number)).then(
              (file) => {
                download(file, `${editor.name}-${String(number)}.yaml`);
              },
              (error: unknown) => void toasts.error(problem(error)),
            );
          }}
        >
          {words.list.export}
        </Button>
      </div>
      {failed === null ? null : (
        <Alert type="error" showIcon role="alert" title={failed instanceof ApiError && failed.status !== 0 ? failed.message : problem(failed)} />
      )}
      <div className="flow-against" role="group">
        {number > 1 ? (
          <button
            type="button"
            className="flow-plain"
            aria-pressed={against === "before"}
            onClick={() => {
              setAgainst("before");
            }}
          >
            {fill(words.versions.compare, { number: number - 1 })}
          </button>
        ) : null}
        <button
          type="button"
          className="flow-plain"
          aria-pressed={against === "draft"}
          onClick={() => {
            setAgainst("draft");
          }}
        >
          {words.versions.toDraft}
        </button>
      </div>
      {found.data === undefined ? found.error === null ? <Loading rows={3} /> : null : <DifferenceList found={found.data} />}
    </section>
  );
}
