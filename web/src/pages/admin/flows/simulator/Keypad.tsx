import { Button } from "antd";
import { useEffect, useRef } from "react";

const ROWS = [1209, 1336, 1477] as const;
const COLUMNS = [697, 770, 852, 941] as const;
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"] as const;
const TONE_SECONDS = 0.12;

interface Props {
  readonly label: string;
  /** Those that mean something now stand out; the others are no less pressed. */
  readonly expected: readonly string[];
  readonly disabled: boolean;
  readonly loud: boolean;
  readonly onKey: (key: string) => void;
}

/** The keys of a telephone, with their tones (ITU-T Q.23). */
export function Keypad({ label, expected, disabled, loud, onKey }: Props) {
  const context = useRef<AudioContext | null>(null);
  useEffect(
    () => () => {
      void context.current?.close();
      context.current = null;
    },
    [],
  );
  return (
    <div className="sim-keypad" role="group" aria-label={label}>
      {KEYS.map((key, index) => (
        <Button
          key={key}
          disabled={disabled}
          className={expected.includes(key) ? "sim-expected" : ""}
          onClick={() => {
            if (loud) {
              context.current ??= new AudioContext();
              sound(context.current, [ROWS[index % 3] ?? 0, COLUMNS[Math.floor(index / 3)] ?? 0]);
            }
            onKey(key);
          }}
        >
          {key}
        </Button>
      ))}
    </div>
  );
}

function sound(context: AudioContext, tones: readonly number[]): void {
  const gain = context.createGain();
  gain.gain.value = 0.1;
  gain.connect(context.destination);
  for (const tone of tones) {
    const oscillator = context.createOscillator();
    oscillator.frequency.value = tone;
    oscillator.connect(gain);
    oscillator.start();
    oscillator.stop(context.currentTime + TONE_SECONDS);
  }
}
