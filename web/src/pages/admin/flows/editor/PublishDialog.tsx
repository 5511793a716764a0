import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Input, Modal } from "antd";
import { useState } from "react";
import { ApiError } from "../../../../api/problem";
import { useWords } from "../../../../i18n/useWords";
import { Loading } from "../../../../ui/notices";
import { useToasts } from "../../../../ui/toasts";
import { useFlows, type Problem } from "../useFlows";
import { fill } from "../../../../i18n/places";
import { reasonWords, useFlowWords } from "../words";
import { DifferenceList } from "./DifferenceList";
import type { Editor } from "./useEditor";

interface Props {
  readonly editor: Editor;
  readonly version: number | null;
  readonly problems: readonly Problem[];
  readonly onClose: () => void;
}

/** What callers will notice, before they do; then the draft is the next version. */
export function PublishDialog({ editor, version, problems, onClose }: Props) {
  const words = useFlowWords();
  const { problem } = useWords();
  const flows = useFlows();
  const toasts = useToasts();
  const [note, setNote] = useState("");
  const { name, revision } = editor;
  const found = useQuery({
    queryKey: ["flow-differences", name, revision],
    queryFn: () => flows.differences(name, "current", "draft"),
    enabled: version !== null,
    staleTime: 0,
  });
  const publish = useMutation({
    mutationFn: () => flows.publish(name, note, revision),
    onSuccess: async (made) => {
      await editor.refresh();
      void toasts.info(fill(made.in_force ? words.publish.done : words.publish.stored, { number: made.number }));
      onClose();
    },
  });
  const refused = publish.error ?? found.error;
  return (
    <Modal
      open
      width={640}
      title={fill(words.publish.title, { name })}
      okText={words.publish.do}
      cancelText={words.publish.cancel}
      okButtonProps={{ disabled: problems.length > 0, loading: publish.isPending }}
      onOk={() => {
        publish.mutate();
      }}
      onCancel={onClose}
    >
      {refused === null ? null : (
        <Alert type="error" showIcon role="alert" title={refused instanceof ApiError && refused.status !== 0 ? refused.message : problem(refused)} />
      )}
      {problems.length === 0 ? null : (
        <>
          <p className="bad">{words.publish.problems}</p>
          <ul className="flow-import-problems">
            {problems.map(({ path, reason }) => (
              <li key={`${path} ${reason}`}>
                <code>{path}</code> {reasonWords(words, reason)}
              </li>
            ))}
          </ul>
        </>
      )}
      <div className="flow-scroll">
        {version === null ? (
          <p>{fill(words.publish.first, { count: editor.cards.length })}</p>
        ) : found.data === undefined ? (
          found.error === null ? (
            <Loading rows={3} />
          ) : null
        ) : (
          <DifferenceList found={found.data} />
        )}
      </div>
      <Input
        aria-label={words.publish.note}
        placeholder={words.publish.note}
        maxLength={500}
        value={note}
        onChange={(event) => {
          setNote(event.target.value);
        }}
        onPressEnter={() => {
          if (problems.length === 0 && !publish.isPending) {
            publish.mutate();
          }
        }}
      />
      <p className="quiet flow-running">{words.publish.running}</p>
    </Modal>
  );
}
