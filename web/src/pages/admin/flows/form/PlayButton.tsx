import { CaretRightOutlined, LoadingOutlined, PauseOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { ApiError } from "../../../../api/problem";
import { useWords } from "../../../../i18n/useWords";
import { useToasts } from "../../../../ui/toasts";
import { useFlowWords } from "../words";

interface Props {
  /** What is heard, behind "listen": a language, a recording. */
  readonly of: string;
  readonly disabled?: boolean;
  readonly load: () => Promise<Blob>;
}

/** Hear a sound of the server; once more: silence. */
export function PlayButton({ of, disabled = false, load }: Props) {
  const words = useFlowWords();
  const { problem } = useWords();
  const toasts = useToasts();
  const [state, setState] = useState<"idle" | "waiting" | "playing">("idle");
  const player = useRef<HTMLAudioElement | null>(null);
  useEffect(
    () => () => {
      player.current?.pause();
    },
    [],
  );
  const listen = async () => {
    setState("waiting");
    try {
      const audio = new Audio(URL.createObjectURL(await load()));
      audio.onended = () => {
        URL.revokeObjectURL(audio.src);
        setState("idle");
      };
      player.current = audio;
      await audio.play();
      setState("playing");
    } catch (error) {
      setState("idle");
      void toasts.error(error instanceof ApiError && error.status !== 0 ? error.message : problem(error));
    }
  };
  return (
    <Button
      size="small"
      type="text"
      disabled={disabled}
      aria-label={`${state === "playing" ? words.prompt.stop : words.prompt.listen} ${of}`}
      icon={state === "waiting" ? <LoadingOutlined /> : state === "playing" ? <PauseOutlined /> : <CaretRightOutlined />}
      onClick={() => {
        if (state === "playing") {
          player.current?.pause();
          setState("idle");
        } else if (state === "idle") {
          void listen();
        }
      }}
    >
      {state === "waiting" ? words.prompt.listening : state === "playing" ? words.prompt.stop : words.prompt.listen}
    </Button>
  );
}
