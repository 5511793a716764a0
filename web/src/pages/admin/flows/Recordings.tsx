import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input, Modal, Popconfirm, Select } from "antd";
import { useRef, useState } from "react";
import { ApiError } from "../../../api/problem";
import { useWords } from "../../../i18n/useWords";
import { EmptyNotice, Failure, Loading } from "../../../ui/notices";
import { useToasts } from "../../../ui/toasts";
import { PlayButton } from "./form/PlayButton";
import { SOUND_FILES, useFlows, type Recording } from "./useFlows";
import { LANGUAGES } from "./form/context";
import { fill } from "../../../i18n/places";
import { whereOf } from "./document";
import { fieldPath, useFlowWords, type FlowWords } from "./words";

interface Props {
  readonly flow: string;
  readonly may: boolean;
  readonly onClose: () => void;
}

/** The recordings of a flow: hear them, see where they are played, replace and remove them, add one. */
export function Recordings({ flow, may, onClose }: Props) {
  const words = useFlowWords();
  const flows = useFlows();
  const listed = useQuery({ queryKey: ["flow-recordings", flow], queryFn: () => flows.recordings(flow), staleTime: 0 });
  const upload = useUpload(flow);
  return (
    <Modal open width={860} footer={null} title={`${words.recordings.title} · ${flow}`} onCancel={onClose}>
      {listed.error !== null && listed.data === undefined ? (
        <Failure error={listed.error} onRetry={() => void listed.refetch()} />
      ) : listed.data === undefined ? (
        <Loading rows={4} />
      ) : listed.data.length === 0 ? (
        <EmptyNotice title={words.recordings.none} hint={words.recordings.noneHint} />
      ) : (
        <table className="flow-recordings">
          <thead>
            <tr>
              <th scope="col">{words.recordings.name}</th>
              <th scope="col">{words.recordings.language}</th>
              <th scope="col">{words.recordings.length}</th>
              <th scope="col">{words.recordings.uploaded}</th>
              <th scope="col">{words.recordings.used}</th>
              <th scope="col">{words.list.actions}</th>
            </tr>
          </thead>
          <tbody>
            {listed.data.map((row) => (
              <RecordingRow key={`${row.name} ${row.language}`} flow={flow} row={row} may={may} upload={upload} />
            ))}
          </tbody>
        </table>
      )}
      <AddRecording may={may} upload={upload} />
    </Modal>
  );
}

interface Wanted {
  readonly name: string;
  readonly language: string;
  readonly file: File;
}
type Upload = ReturnType<typeof useUpload>;

function useUpload(flow: string) {
  const words = useFlowWords();
  const flows = useFlows();
  const told = useTold();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ name, language, file }: Wanted) => flows.upload(flow, name, language, file),
    onSuccess: (made) => {
      told.done(fill(words.prompt.uploaded, { name: made.name, seconds: told.figure(made.seconds), gain: told.figure(made.gain_db) }));
      void queries.invalidateQueries({ queryKey: ["flow-recordings", flow] });
    },
    onError: told.failed,
  });
}

function useTold() {
  const toasts = useToasts();
  const { language, problem } = useWords();
  const format = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: 1 });
  return {
    figure: (value: number) => format.format(value),
    done: (text: string) => void toasts.info(text),
    failed: (error: Error) => void toasts.error(error instanceof ApiError && error.status !== 0 ? error.message : problem(error)),
  };
}

interface RowProps {
  readonly flow: string;
  readonly row: Recording;
  readonly may: boolean;
  readonly upload: Upload;
}

function RecordingRow({ flow, row, may, upload }: RowProps) {
  const words = useFlowWords();
  const flows = useFlows();
  const told = useTold();
  const { dateTime } = useWords();
  const queries = useQueryClient();
  const { name, language, used } = row;
  const drop = useMutation({
    mutationFn: () => flows.dropRecording(flow, name, language),
    onSuccess: () => {
      told.done(fill(words.recordings.removed, { name, language }));
      void queries.invalidateQueries({ queryKey: ["flow-recordings", flow] });
    },
    onError: told.failed,
  });
  const which = `${name} ${language}`;
  return (
    <tr data-recording={which}>
      <th scope="row">{name}</th>
      <td>{LANGUAGES[language] ?? language}</td>
      <td className="num">{told.figure(row.seconds)} s</td>
      <td className="quiet">{fill(words.list.by, { when: dateTime(row.uploaded_at), who: row.uploaded_by })}</td>
      <td>
        {used.length === 0 ? (
          <span className="quiet">{words.recordings.unused}</span>
        ) : (
          <ul>
            {used.map((place) => (
              <li key={place}>{placeOf(words, place)}</li>
            ))}
          </ul>
        )}
      </td>
      <td>
        <span className="row-actions flow-actions">
        <PlayButton of={which} load={() => flows.recording(flow, name, language)} />
        <FileButton
          label={words.recordings.replace}
          name={`${words.recordings.replace} ${which}`}
          disabled={!may || upload.isPending}
          onFile={(file) => {
            upload.mutate({ name, language, file });
          }}
        />
        <Popconfirm
          title={fill(words.recordings.sure, { name, language })}
          okText={words.list.remove}
          cancelText={words.fresh.cancel}
          disabled={!may || used.length > 0}
          onConfirm={() => {
            drop.mutate();
          }}
        >
          <Button
            size="small"
            type="text"
            danger
            disabled={!may || used.length > 0}
            loading={drop.isPending}
            title={used.length > 0 ? words.recordings.inUse : may ? undefined : words.list.mayNot}
            aria-label={`${words.list.remove} ${which}`}
          >
            {words.list.remove}
          </Button>
        </Popconfirm>
        </span>
      </td>
    </tr>
  );
}

function AddRecording({ may, upload }: { readonly may: boolean; readonly upload: Upload }) {
  const words = useFlowWords();
  const [name, setName] = useState("");
  const [language, setLanguage] = useState("zh");
  const legal = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(name);
  return (
    <div className="flow-recording-new" role="group" aria-label={words.recordings.add}>
      <Input
        value={name}
        disabled={!may}
        placeholder={words.recordings.name}
        aria-label={words.recordings.name}
        status={name === "" || legal ? "" : "error"}
        onChange={(event) => {
          setName(event.target.value);
        }}
      />
      <Select
        value={language}
        disabled={!may}
        aria-label={words.recordings.language}
        options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
        onChange={setLanguage}
      />
      <FileButton
        label={upload.isPending ? words.prompt.uploading : words.recordings.add}
        name={words.recordings.add}
        disabled={!may || !legal || upload.isPending}
        onFile={(file) => {
          upload.mutate({ name, language, file }, { onSuccess: () => { setName(""); } });
        }}
      />
      <span className="quiet">{words.recordings.formats}</span>
    </div>
  );
}

/** Where the server says that a recording is played: ``draft, nodes.tell.prompt.zh.0``, ``version 2, …``. */
function placeOf(words: FlowWords, place: string): string {
  const [, kept, number, path = place] = /^(draft|version (\d+)), (.+)$/.exec(place) ?? [];
  const node = whereOf(path).node;
  const field = fieldPath(words, path);
  const version = kept === undefined ? "" : number === undefined ? words.recordings.draft : fill(words.recordings.version, { number });
  return [version, node, field].filter((part) => part !== "" && part !== null).join(" · ");
}

interface FileProps {
  readonly label: string;
  readonly name: string;
  readonly disabled: boolean;
  readonly onFile: (file: File) => void;
}

function FileButton({ label, name, disabled, onFile }: FileProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button size="small" disabled={disabled} aria-label={name} onClick={() => { input.current?.click(); }}>
        {label}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        accept={SOUND_FILES}
        aria-label={name}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file !== undefined) {
            onFile(file);
          }
        }}
      />
    </>
  );
}
