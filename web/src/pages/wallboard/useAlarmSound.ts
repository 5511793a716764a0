import { useCallback, useEffect, useRef, useState } from "react";
import { useAlarms } from "../../alarms/AlarmStrip";

export interface AlarmSound {
  readonly on: boolean;
  readonly toggle: () => void;
}

const EVERY_MS = 3_000;

/**
 * Sounds while an urgent alarm is up that nobody has acknowledged. Browsers play nothing before somebody touched
 * the page, so that it begins silent and is switched on by a key; the button says which it is.
 */
export function useAlarmSound(): AlarmSound {
  const [on, setOn] = useState(false);
  const audio = useRef<AudioContext | null>(null);
  const alarming = useAlarms().some((alarm) => alarm.severity === "urgent" && alarm.acknowledged_by === null);

  useEffect(() => {
    if (!on || !alarming) {
      return;
    }
    const sound = () => {
      if (audio.current !== null) {
        chime(audio.current);
      }
    };
    sound();
    const interval = setInterval(sound, EVERY_MS);
    return () => {
      clearInterval(interval);
    };
  }, [on, alarming]);

  useEffect(
    () => () => {
      void audio.current?.close();
      audio.current = null;
    },
    [],
  );

  const toggle = useCallback(() => {
    setOn((was) => {
      if (!was) {
        audio.current ??= new AudioContext();
        chime(audio.current); // heard: it works
      }
      return !was;
    });
  }, []);
  return { on, toggle };
}

function chime(context: AudioContext): void {
  [880, 660].forEach((frequency, index) => {
    const begin = context.currentTime + index * 0.22;
    const tone = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setTargetAtTime(0.25, begin, 0.01);
    gain.gain.setTargetAtTime(0, begin + 0.16, 0.03);
    tone.connect(gain).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + 0.4);
  });
}
