import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../live/types";
import { KeyCap, useKey } from "../../ui/keys";
import "./script.css";

/** What is to be said and done, a step at a time; where the agent is stays while the call is his. */
export function ScriptSteps({ script }: { readonly script: Schemas["CallScript"] }) {
  const { t } = useTranslation();
  const [chosen, choose] = useState(0);
  const last = script.steps.length - 1;
  const now = Math.min(chosen, last);
  const go = (by: number) => () => {
    choose(Math.min(last, Math.max(0, now + by)));
  };
  useKey("]", t("script.next"), go(1), now < last);
  useKey("[", t("script.previous"), go(-1), now > 0);
  return (
    <section className="script" aria-label={t("script.title")}>
      <header>
        <h3>{script.name}</h3>
        <span className="quiet num" role="status">{t("script.place", { step: now + 1, all: last + 1 })}</span>
        <span className="grow" />
        <Button size="small" disabled={now === 0} onClick={go(-1)} aria-label={t("script.previous")} aria-keyshortcuts="[">
          <KeyCap keys="[" />
        </Button>
        <Button size="small" disabled={now === last} onClick={go(1)} aria-label={t("script.next")} aria-keyshortcuts="]">
          <KeyCap keys="]" />
        </Button>
      </header>
      <ol>
        {script.steps.map((step, place) => (
          <li key={place} aria-current={place === now ? "step" : undefined}>
            <button type="button" onClick={() => { choose(place); }}>{step.title}</button>
            {place === now && step.text !== "" ? <p className="kept-lines">{step.text}</p> : null}
          </li>
        ))}
      </ol>
    </section>
  );
}
