import { useFlows } from "../useFlows";
import { useForm } from "./context";
import { examplesOf } from "./examples";
import { PlayButton } from "./PlayButton";

/** Hear a prompt as callers would, by the same voice. */
export function ListenButton({ language, prompt }: { readonly language: string; readonly prompt: unknown }) {
  const { flow } = useForm();
  const flows = useFlows();
  return (
    <PlayButton
      of={language}
      disabled={prompt === undefined || prompt === ""}
      load={() => flows.preview({ flow, language, prompt, variables: examplesOf(prompt) })}
    />
  );
}
