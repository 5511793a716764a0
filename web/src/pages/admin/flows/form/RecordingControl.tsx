import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useRef } from "react";
import { ApiError } from "../../../../api/problem";
import { useWords } from "../../../../i18n/useWords";
import { useToasts } from "../../../../ui/toasts";
import type { Aria } from "../../settings/FieldFrame";
import { SOUND_FILES, useFlows } from "../useFlows";
import { fill } from "../../../../i18n/places";
import { useFlowWords } from "../words";
import { useForm } from "./context";
import { NameControl } from "./ShapeControl";

interface Props {
  readonly language: string;
  readonly aria: Aria;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

/** A recording of the flow: one that there is, or a file that is uploaded for this language. */
export function RecordingControl({ language, aria, value, onChange }: Props) {
  const words = useFlowWords();
  const { number, problem } = useWordsOf();
  const { flow, node, kept, disabled } = useForm();
  const flows = useFlows();
  const toasts = useToasts();
  const queries = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const name = typeof value === "string" && value !== "" ? value : node;
  const upload = useMutation({
    mutationFn: (file: File) => flows.upload(flow, name, language, file),
    onSuccess: (made) => {
      onChange(made.name);
      void toasts.info(fill(words.prompt.uploaded, { name: made.name, seconds: number(made.seconds), gain: number(made.gain_db) }));
      void queries.invalidateQueries({ queryKey: ["flow-recordings", flow] });
    },
    onError: (error) => void toasts.error(error instanceof ApiError && error.status !== 0 ? error.message : problem(error)),
  });
  return (
    <span className="flow-recording">
      <NameControl shape={{ type: "name", of: "recording" }} of="recording" aria={aria} label={words.prompt.recording} value={value} path="" onChange={onChange} />
      <Button
        size="small"
        disabled={disabled || !kept}
        title={kept ? undefined : words.prompt.uploadFirst}
        loading={upload.isPending}
        onClick={() => {
          input.current?.click();
        }}
      >
        {upload.isPending ? words.prompt.uploading : words.prompt.upload}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        accept={SOUND_FILES}
        aria-label={`${words.prompt.upload} ${language}`}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file !== undefined) {
            upload.mutate(file);
          }
        }}
      />
    </span>
  );
}

function useWordsOf() {
  const { language, problem } = useWords();
  const format = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: 1 });
  return { problem, number: (value: number) => format.format(value) };
}
