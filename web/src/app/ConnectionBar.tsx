import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useWords } from "../i18n/useWords";
import { useLive, useLiveContext, useRunningNow } from "../live/context";
import { KeyCap, useKey } from "../ui/keys";

const TOO_MANY = 4409;

/** Says that the figures are not live, since when, and when the next attempt comes. Nothing while all is well. */
export function ConnectionBar() {
  const { t } = useTranslation();
  const phase = useLive((state) => state.stream.phase);
  const linked = useLive((state) => state.view.linked);
  const hasView = useLive((state) => state.view.epoch !== null);
  if (phase === "refused") {
    return <Refused />;
  }
  if (phase === "waiting" || (phase === "connecting" && hasView)) {
    return <Lost />;
  }
  if (phase === "live" && !linked) {
    return (
      <div className="bar lost" role="alert">
        <strong>{t("connection.unlinked")}</strong>
        <FiguresFrom />
      </div>
    );
  }
  return null;
}

function Lost() {
  const { t } = useTranslation();
  const { tryNow } = useLiveContext();
  const due = useLive((state) => state.stream.nextAttemptAt);
  const code = useLive((state) => state.stream.code);
  const now = useRunningNow();
  const left = due === null ? null : Math.max(0, Math.ceil((due - now) / 1_000));
  useKey("r", t("connection.tryNow"), tryNow, due !== null);
  return (
    <div className="bar lost">
      <strong role="alert">{t(code === TOO_MANY ? "connection.tooMany" : "connection.lost")}</strong>
      <span className="num quiet">
        {left === null ? t("connection.trying") : t("connection.nextAttempt", { seconds: left })}
      </span>
      <FiguresFrom />
      <span className="grow" />
      <Button size="small" onClick={tryNow} disabled={due === null} aria-keyshortcuts="r">
        {t("connection.tryNow")}
        <KeyCap keys="r" />
      </Button>
    </div>
  );
}

function Refused() {
  const { t } = useTranslation();
  const code = useLive((state) => state.stream.code);
  if (code === 4401) {
    return null; // the log-in page comes
  }
  return (
    <div className="bar down" role="alert">
      <strong>{t(code === 4403 ? "connection.forbidden" : "connection.protocol")}</strong>
    </div>
  );
}

function FiguresFrom() {
  const { t } = useTranslation();
  const words = useWords();
  const heardAt = useLive((state) => state.heardAt);
  const now = useRunningNow();
  if (heardAt === null) {
    return null;
  }
  return (
    <span className="num quiet">
      {t("connection.figuresFrom", { time: words.time(heardAt), age: words.clock((now - heardAt) / 1_000) })}
    </span>
  );
}
