import { CaretRightOutlined, LoadingOutlined, PauseOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { ApiError } from "../../../../api/problem";
import { useWords } from "../../../../i18n/useWords";
import { useToasts } from "../../../../ui/toasts";
import { useFlows } from "../useFlows";
import { useFlowWords } from "../words";
import { useForm } from "./context";
import { examplesOf } from "./examples";

/** Hear a prompt as callers would, by the same voice. */
export function ListenButton({ language, prompt }: { readonly language: string; readonly prompt: unknown }) {
  const words = useFlowWords();
  const { problem } = useWords();
  const { flow } = useForm();
  const flows = useFlows();
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
      const sound = await flows.preview({ flow, language, prompt, variables: examplesOf(prompt) });
      const audio = new Audio(URL.createObjectURL(sound));
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
      disabled={prompt === undefined || prompt === ""}
      aria-label={`${state === "playing" ? words.prompt.stop : words.prompt.listen} ${language}`}
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
