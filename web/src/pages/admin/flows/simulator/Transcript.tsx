import { useEffect, useRef } from "react";
import { cx } from "../../../../ui/cx";
import { clock } from "../../../../ui/format";
import type { Happening } from "./session";
import { fill, named } from "../../../../i18n/places";
import { useSimulatorWords, type SimulatorWords } from "./words";

/** What happened so far, the newest at the bottom and in sight. */
export function Transcript({ happenings }: { readonly happenings: readonly Happening[] }) {
  const words = useSimulatorWords();
  const end = useRef<HTMLLIElement>(null);
  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
  }, [happenings.length]);
  return (
    <ol className="sim-transcript" role="log" aria-label={words.transcript}>
      {happenings.map((one, index) => (
        <li key={index} className={cx("sim-line", `sim-${one.what}`, one.what === "turn" && `sim-turn-${one.name}`)}>
          <time className="quiet">{clock(one.at)}</time>
          <span>{textOf(one, words)}</span>
        </li>
      ))}
      <li ref={end} aria-hidden="true" />
    </ol>
  );
}

export function textOf(one: Happening, words: SimulatorWords): string {
  const { name, text, node } = one;
  switch (one.what) {
    case "entered":
      return fill(text === "" ? words.happened.began : words.happened.entered, { node, exit: text });
    case "said":
      return text;
    case "pressed":
      return fill(words.happened.pressed, { text });
    case "spoke":
      return fill(name === "100" ? words.happened.spoke : words.happened.spokeUnsure, { text, percent: name });
    case "turn":
      return fill(name === "bot" ? words.happened.botSaid : words.happened.spoke, { text });
    case "talk":
      return text === "" ? fill(words.happened.talkBegan, { bot: name }) : fill(words.happened.talkEnded, { how: named(words.talkEnds, text), detail: name.replaceAll("_", " ") });
    case "heard":
      return named(words.heard, name);
    case "asked": {
      const values = Object.entries(one.values).map(([parameter, value]) => `${parameter} = ${value}`);
      return fill(words.happened.asked, { name, values: values.join(", "), found: named(words.found, text) });
    }
    case "hours":
      return fill(words.happened.hours, { name, found: named(words.found, text) });
    case "changed":
      return `${name} = ${text}`;
    case "handed_on":
      return fill(words.happened.handed_on, { to: reachedName(text, words) });
    case "message":
      return text === "" ? fill(words.happened.message, { name }) : fill(words.happened.dropped, { reason: named(words.dropped, text) });
    case "ended":
      return fill(name === "" ? words.happened.ended : words.happened.fault, { outcome: named(words.outcomes, text), cause: name.replaceAll("_", " ") });
    default:
      return fill(words.happened[one.what], { name, text });
  }
}

/** `queue sales` → Queue sales */
export function reachedName(reached: string, words: SimulatorWords): string {
  return reached
    .split(" ")
    .map((word, index) => (index % 2 === 0 ? named(words.reached, word) : word))
    .join(" ");
}
