import { useCallback, useEffect, useRef, useState } from "react";
import { useApi } from "../../../../api/context";
import { unwrap } from "../../../../api/problem";
import { waiting, type Act, type State } from "./session";

export interface Sound {
  readonly sounding: boolean;
  readonly error: Error | null;
  /** Stop what sounds, and the time; gives what went by since the last act, so that the next act is in its place. */
  readonly elapsed: () => readonly Act[];
}

/**
 * Plays what is said, and lets time go by as on a telephone: when a prompt was heard out, or nobody did anything for as
 * long as the flow waits, that much time goes by in the session, too.
 */
export function useSound(on: boolean, state: State | null, act: (...acts: readonly Act[]) => void): Sound {
  const api = useApi();
  const [error, setError] = useState<Error | null>(null);
  const [sounding, setSounding] = useState(false);
  const since = useRef(0);
  const audio = useRef<HTMLAudioElement | null>(null);
  const timer = useRef(0);
  const heard = useRef<State | null>(null);
  const doing = useRef(act);
  useEffect(() => {
    doing.current = act;
  }, [act]);
  const stop = useCallback(() => {
    window.clearTimeout(timer.current);
    audio.current?.pause();
    audio.current = null;
    setSounding(false);
  }, []);

  useEffect(() => {
    if (!on || state === null || state.outcome !== null) {
      return undefined;
    }
    const before = heard.current;
    heard.current = state;
    const asking = new AbortController();
    let url = "";
    since.current = performance.now();
    const pass = (seconds: number | null) => {
      if (seconds !== null) {
        doing.current(waiting(seconds));
      }
    };
    const said = state.happenings.filter(({ what }) => what === "said").at(-1);
    const isNew = said !== undefined && (before === null || state.happenings.indexOf(said) >= before.happenings.length);
    if (state.playing_seconds === null || said === undefined) {
      if (state.due_seconds !== null) {
        const { due_seconds } = state;
        timer.current = window.setTimeout(() => {
          pass(due_seconds);
        }, due_seconds * 1000);
      }
    } else if (isNew) {
      const { playing_seconds } = state;
      const body = { pieces: [...said.sound] };
      unwrap(api.POST("/api/v1/flows/simulate/sound", { body, parseAs: "blob", signal: asking.signal }))
        .then(async (blob) => {
          url = URL.createObjectURL(blob);
          const player = new Audio(url);
          audio.current = player;
          player.onended = () => {
            setSounding(false);
            pass(playing_seconds);
          };
          since.current = performance.now();
          setSounding(true);
          await player.play();
        })
        .catch((why: unknown) => {
          if (!asking.signal.aborted) {
            setSounding(false);
            setError(why instanceof Error ? why : new Error(String(why)));
          }
        });
    }
    return () => {
      asking.abort();
      stop();
      if (url !== "") {
        URL.revokeObjectURL(url);
      }
    };
  }, [on, state, api, stop]);

  const elapsed = useCallback(() => {
    const player = audio.current;
    stop();
    if (!on || state === null || state.outcome !== null) {
      return [];
    }
    const seconds = (performance.now() - since.current) / 1000;
    if (state.playing_seconds !== null) {
      const share = player === null || !(player.duration > 0) ? 0 : Math.min(0.99, player.currentTime / player.duration);
      return share > 0 ? [{ waits: Math.max(0.01, share * state.playing_seconds) }] : [];
    }
    const most = state.due_seconds === null ? seconds : Math.max(0.01, state.due_seconds - 0.25);
    return [{ waits: Math.max(0.01, Math.min(seconds, most)) }];
  }, [on, state, stop]);
  return { sounding, error, elapsed };
}
