import { useState } from "react";
import { cx } from "../../../../ui/cx";
import { KeyCap } from "../../../../ui/keys";
import { whereOf } from "../document";
import { fieldPath, reasonWords, useFlowWords } from "../words";
import type { Checked } from "./useProblems";

interface Props {
  readonly checked: Checked;
  readonly onJump: (node: string | null, field: string) => void;
}

/** What stands against publishing; each problem jumps to its node. */
export function ProblemList({ checked, onJump }: Props) {
  const words = useFlowWords();
  const [open, setOpen] = useState(true);
  const { problems, state } = checked;
  const told =
    state === "away" ? words.problems.away : problems.length > 0 ? "" : state === "checking" ? words.problems.checking : words.problems.none;
  return (
    <section className={cx("flow-problems", problems.length > 0 && open && "open")} aria-label={words.problems.title}>
      <header>
        <h2>
          {words.problems.title}
          <KeyCap keys="x" />
        </h2>
        {problems.length > 0 ? <span className="count bad">▲ {problems.length}</span> : null}
        <span className={cx("flow-told", state === "known" && problems.length === 0 && "good")} role="status">
          {told}
        </span>
        <span className="grow" />
        {problems.length > 0 ? (
          <button
            type="button"
            className="flow-plain"
            aria-expanded={open}
            onClick={() => {
              setOpen(!open);
            }}
          >
            {open ? words.problems.hide : words.problems.show}
          </button>
        ) : null}
      </header>
      {problems.length > 0 && open ? (
        <ul>
          {problems.map(({ path, reason }) => {
            const { node, field } = whereOf(path);
            return (
              <li key={`${path} ${reason}`}>
                <button
                  type="button"
                  data-problem={path}
                  onClick={() => {
                    onJump(node, field);
                  }}
                >
                  <b>{node ?? words.problems.flow}</b>
                  <span className="quiet">{fieldPath(words, path)}</span>
                  <span>{reasonWords(words, reason)}</span>
                </button>
              </li>
            );
          })}
        </ul>
      ) : null}
    </section>
  );
}
