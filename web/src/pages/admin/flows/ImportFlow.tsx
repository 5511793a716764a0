import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Modal } from "antd";
import { useRef } from "react";
import { useNavigate } from "react-router";
import { ApiError } from "../../../api/problem";
import { useWords } from "../../../i18n/useWords";
import { Loading } from "../../../ui/notices";
import { useFlows, type Problems } from "./useFlows";
import { fill } from "../../../i18n/places";
import { reasonWords, useFlowWords } from "./words";

const SHOWN = 20;

interface Looked {
  readonly text: string;
  readonly file: string;
  readonly found: Problems;
}

/** Take a file as a draft; what stands against publishing it is said before, with the exact path of each problem. */
export function ImportFlow({ may }: { readonly may: boolean }) {
  const words = useFlowWords();
  const { problem } = useWords();
  const flows = useFlows();
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);
  const look = useMutation({
    mutationFn: async (file: File): Promise<Looked> => {
      const text = await file.text();
      return { text, file: file.name, found: await flows.validateText(text) };
    },
  });
  const take = useMutation({
    mutationFn: ({ text, found }: Looked) => flows.importText(text, found.revision),
    onSuccess: ({ id }) => void navigate(`/admin/flows/of/${encodeURIComponent(id)}`),
  });
  const found = look.data?.found;
  const replaces = found !== undefined && found.revision !== null;
  const said = (error: Error) => (error instanceof ApiError && error.status !== 0 ? error.message : problem(error));
  const problems = found?.problems ?? [];
  const error = look.error ?? take.error;
  return (
    <>
      <Button
        size="small"
        disabled={!may}
        title={may ? undefined : words.list.mayNot}
        onClick={() => {
          input.current?.click();
        }}
      >
        {words.list.import}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        accept=".yaml,.yml,.json"
        aria-label={words.imports.choose}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file !== undefined) {
            take.reset();
            look.mutate(file);
          }
        }}
      />
      <Modal
        open={look.status !== "idle"}
        width={680}
        title={`${words.imports.title}${look.data === undefined ? "" : ` · ${look.data.file}`}`}
        okText={replaces ? words.imports.replace : words.imports.take}
        cancelText={words.fresh.cancel}
        okButtonProps={{ disabled: found === undefined || found.flow === "", danger: replaces, loading: take.isPending }}
        onOk={() => {
          if (look.data !== undefined) {
            take.mutate(look.data);
          }
        }}
        onCancel={() => {
          look.reset();
          take.reset();
        }}
      >
        {error === null ? null : <Alert type="error" showIcon role="alert" title={said(error)} />}
        {look.isPending ? <Loading rows={3} /> : null}
        {found === undefined ? null : (
          <Alert
            type={found.flow === "" ? "error" : replaces ? "warning" : "info"}
            showIcon
            title={fill(found.flow === "" ? words.imports.unnamed : replaces ? words.imports.replaces : words.imports.creates, { name: found.flow })}
          />
        )}
        {found === undefined ? null : problems.length === 0 ? (
          <p>{words.imports.legal}</p>
        ) : (
          <>
            <p>{words.imports.problems}</p>
            <ul className="flow-import-problems">
              {problems.slice(0, SHOWN).map(({ path, reason }) => (
                <li key={`${path} ${reason}`}>
                  <code>{path}</code> {reasonWords(words, reason)}
                </li>
              ))}
            </ul>
            {problems.length > SHOWN ? <p className="quiet">{fill(words.imports.more, { count: problems.length - SHOWN })}</p> : null}
          </>
        )}
      </Modal>
    </>
  );
}
