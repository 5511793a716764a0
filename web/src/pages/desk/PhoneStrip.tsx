import { Button } from "antd";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import { usePhone, usePhoneChoice, usePhoneState } from "../../phone/context";
import type { PhoneState } from "../../phone/model";
import { cx } from "../../ui/cx";
import { KeyCap, useKey } from "../../ui/keys";
import { QualityBars } from "./QualityBars";
import "./phone.css";

const SoundTest = lazy(async () => ({ default: (await import("./SoundTest")).SoundTest }));

const MARKS = { off: "○", starting: "…", ready: "●", lost: "▲", elsewhere: "◇", refused: "⊘" } as const;

interface Props {
  readonly seat: string | null;
  /** A call that the page does not show elsewhere is answered and ended here. */
  readonly alone: boolean;
  readonly children?: ReactNode;
}

/** The phone at one's seat: which it is, whether it can ring, and what is wrong with it. */
export function PhoneStrip({ seat, alone, children }: Props) {
  const { t } = useTranslation();
  const phone = usePhone();
  const state = usePhoneState();
  const [choice, choose] = usePhoneChoice();
  const [testing, setTesting] = useState(false);
  const browser = choice === "browser";
  const test = () => {
    setTesting((open) => !open);
  };
  useKey("a", t("phone.test"), test, browser);
  if (seat === null) {
    return null;
  }
  return (
    <section className="panel phone" aria-label={t("phone.title")} data-phone={browser ? state.phase : "desk"}>
      <div className="phone-line">
        <strong>{t(browser ? "phone.browser" : "phone.desk")}</strong>
        {browser ? (
          <span className={cx("phone-phase", state.phase)} role="status">
            <span aria-hidden="true">{MARKS[state.phase]}</span> {t(`phone.phase.${state.phase}`)}
          </span>
        ) : (
          <span className="quiet">{t("phone.ringsAt", { seat })}</span>
        )}
        {children}
        {state.talk?.quality == null ? null : <QualityBars quality={state.talk.quality} />}
        <span className="grow" />
        {browser ? (
          <>
            <Button size="small" onClick={test} aria-expanded={testing} aria-keyshortcuts="a">
              {t("phone.test")}
              <KeyCap keys="a" />
            </Button>
            <Button
              size="small"
              type="text"
              disabled={state.talk !== null}
              title={state.talk === null ? undefined : t("phone.notDuringCall")}
              onClick={() => {
                choose("desk");
              }}
            >
              {t("phone.useDesk")}
            </Button>
          </>
        ) : (
          <Button
            size="small"
            onClick={() => {
              choose("browser");
            }}
          >
            {t("phone.useBrowser")}
          </Button>
        )}
      </div>
      {browser ? (
        <Problems
          state={state}
          onRetry={() => {
            phone.tryAgain();
          }}
          onTakeOver={() => {
            phone.takeOver();
          }}
          onNoted={() => {
            phone.noted();
          }}
        />
      ) : null}
      {browser && state.talk !== null && alone ? <OwnCall state={state} /> : null}
      {browser && testing ? (
        <Suspense>
          <SoundTest />
        </Suspense>
      ) : null}
    </section>
  );
}

interface ProblemsProps {
  readonly state: PhoneState;
  readonly onRetry: () => void;
  readonly onTakeOver: () => void;
  readonly onNoted: () => void;
}

function Problems({ state, onRetry, onTakeOver, onNoted }: ProblemsProps) {
  const { t } = useTranslation();
  const words = useWords();
  const cut = state.talk?.cut === true;
  const retry = (
    <Button size="small" onClick={onRetry}>
      {t("notice.retry")}
    </Button>
  );
  return (
    <>
      {state.phase === "elsewhere" ? (
        <Problem title={t("phone.elsewhere")} hint={t("phone.elsewhereHint")}>
          <Button size="small" type="primary" onClick={onTakeOver}>
            {t("phone.takeOver")}
          </Button>
        </Problem>
      ) : null}
      {state.phase === "refused" ? <Problem title={t("phone.refused")} hint={t("phone.refusedHint")} /> : null}
      {state.phase === "lost" ? (
        <Problem
          title={state.problem === "register" ? t("phone.register") : state.problem === "unreachable" || state.problem === null ? t("phone.unreachable") : words.name("problem", state.problem)}
          hint={t(state.talk === null || cut ? "phone.lostHint" : "phone.lostInCall")}
        >
          {retry}
        </Problem>
      ) : null}
      {cut ? <Problem title={t("phone.cut")} hint={t("phone.lostInCall")} /> : null}
      {state.broken === null ? null : (
        <Problem title={t(`phone.broken.${state.broken}`)} hint={t(`phone.brokenHint.${state.broken}`)}>
          <Button size="small" onClick={onNoted}>
            {t("phone.noted")}
          </Button>
        </Problem>
      )}
      {state.microphone === null ? null : (
        <Problem title={t(`phone.microphone.${state.microphone}`)} hint={t(`phone.microphoneHint.${state.microphone}`)} />
      )}
      {state.soundBlocked ? <Problem title={t("phone.soundBlocked")} hint={t("phone.soundBlockedHint")} /> : null}
      {state.talk?.stage === "returning" ? (
        <p className="phone-returning" role="status">
          {t("phone.returning")}
        </p>
      ) : null}
    </>
  );
}

interface ProblemProps {
  readonly title: string;
  readonly hint: string;
  readonly children?: ReactNode;
}

function Problem({ title, hint, children }: ProblemProps) {
  return (
    <div className="phone-problem" role="alert">
      <span aria-hidden="true">▲</span>
      <strong>{title}</strong>
      <span>{hint}</span>
      {children}
    </div>
  );
}

/** A call that came to the seat itself, past queues and agents: the phone's own to answer and to end. */
function OwnCall({ state }: { readonly state: PhoneState }) {
  const { t } = useTranslation();
  const phone = usePhone();
  const rings = state.talk?.stage === "ringing";
  const answer = () => void phone.answer();
  useKey("Enter", t("desk.answer"), answer, rings);
  return (
    <div className="phone-own" role="status">
      <span>{t(rings ? "phone.direct" : "phone.directTalk")}</span>
      {rings ? (
        <Button type="primary" onClick={answer} aria-keyshortcuts="Enter">
          {t("desk.answer")}
          <KeyCap keys="Enter" />
        </Button>
      ) : null}
      <Button
        danger
        onClick={() => {
          phone.hangUp();
        }}
      >
        {t("desk.hangUp")}
      </Button>
    </div>
  );
}
