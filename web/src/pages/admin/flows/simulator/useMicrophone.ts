import { useEffect, useRef, useState } from "react";
import { useApi } from "../../../../api/context";
import { unwrap } from "../../../../api/problem";
import { mayListen, Microphone, problemOfMicrophone, type MicrophoneProblem, type Utterance } from "./microphone";
import type { Act, State } from "./session";

export interface Ear {
  readonly listening: boolean;
  readonly problem: MicrophoneProblem | null;
  /** Of the recogniser. */
  readonly error: Error | null;
}

interface Props {
  readonly on: boolean;
  readonly state: State | null;
  /** Somebody speaks: what is being said stops, where it may be stopped. */
  readonly onBegan: () => void;
  readonly onSaid: (act: Act) => void;
}

/** The microphone, as long as it is on; what is said goes to the recogniser, or is a message. */
export function useMicrophone({ on, state, onBegan, onSaid }: Props): Ear {
  const api = useApi();
  const [listening, setListening] = useState(false);
  const [problem, setProblem] = useState<MicrophoneProblem | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const now = useRef({ state, onBegan, onSaid });
  const microphone = useRef<Microphone | null>(null);
  useEffect(() => {
    now.current = { state, onBegan, onSaid };
    if (microphone.current !== null) {
      microphone.current.pause = state?.awaited?.pause ?? 0.8;
    }
  }, [state, onBegan, onSaid]);

  useEffect(() => {
    if (!on) {
      return undefined;
    }
    let closed = false;
    const said = async ({ audio, seconds }: Utterance) => {
      const awaited = now.current.state?.awaited ?? null;
      if (awaited?.phase === "recording") {
        now.current.onSaid({ speaks: Math.min(900, seconds) });
      } else if (awaited?.language != null) {
        const body = { language: awaited.language, phrases: awaited.phrases, audio };
        const { hypotheses } = await unwrap(api.POST("/api/v1/flows/simulate/speech", { body }));
        setError(null);
        // Nothing was understood: that, too, is an answer.
        now.current.onSaid({ says: hypotheses.length > 0 ? hypotheses : [{ text: "…", confidence: 0 }] });
      }
    };
    const failed = (why: unknown) => {
      setError(why instanceof Error ? why : new Error(String(why)));
    };
    const open = async () => {
      if (!mayListen()) {
        setProblem("insecure");
        return;
      }
      try {
        const made = await Microphone.open({
          onBegan: () => {
            if (now.current.state?.awaited?.language != null) {
              now.current.onBegan();
            }
          },
          onUtterance: (utterance) => {
            said(utterance).catch(failed);
          },
          onFailure: () => {
            setProblem("none");
          },
        });
        if (closed) {
          made.close();
          return;
        }
        microphone.current = made;
        setProblem(null);
        setListening(true);
      } catch (why) {
        setProblem(problemOfMicrophone(why));
      }
    };
    void open();
    return () => {
      closed = true;
      microphone.current?.close();
      microphone.current = null;
      setListening(false);
    };
  }, [on, api]);
  return { listening: on && listening, problem: on ? problem : null, error };
}
