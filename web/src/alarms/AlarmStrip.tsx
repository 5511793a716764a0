import { Button } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useWords } from "../i18n/useWords";
import { useLive } from "../live/context";
import type { LiveAlarm } from "../live/types";
import { cx } from "../ui/cx";
import { Timer } from "../ui/Timer";
import { inOrder } from "./order";
import { useAcknowledge } from "./useAcknowledge";
import "./alarms.css";

export function useAlarms(): readonly LiveAlarm[] {
  const alarms = useLive((state) => state.view.rows.alarms);
  return useMemo(() => inOrder(alarms.values()), [alarms]);
}

/** The alarms that are up, urgent first. Nothing when there are none. */
export function AlarmStrip({ controls = true }: { readonly controls?: boolean }) {
  const { t } = useTranslation();
  const alarms = useAlarms();
  if (alarms.length === 0) {
    return null;
  }
  return (
    <section className="alarms" aria-label={t("alarms.title")}>
      {alarms.map((alarm) => (
        <AlarmLine key={alarm.id} alarm={alarm} controls={controls} />
      ))}
    </section>
  );
}

function AlarmLine({ alarm, controls }: { readonly alarm: LiveAlarm; readonly controls: boolean }) {
  const { t } = useTranslation();
  const words = useWords();
  const { acknowledge, may } = useAcknowledge();
  const seen = alarm.acknowledged_by;
  return (
    <div className={cx("alarm", alarm.severity, seen !== null && "seen")} role={seen === null ? "alert" : undefined}>
      <span className="alarm-mark" aria-hidden="true">
        {alarm.severity === "urgent" ? "▲" : "△"}
      </span>
      <b>{t(`severity.${alarm.severity}`)}</b>
      <span>{words.name("alarmKind", alarm.kind)}</span>
      <span className="alarm-text">{alarm.text}</span>
      <Timer since={alarm.since} />
      {seen !== null ? (
        <span className="quiet">{t("alarms.seenBy", { user: seen })}</span>
      ) : controls ? (
        <Button
          size="small"
          disabled={!may}
          title={may ? undefined : t("notice.noPermission")}
          loading={acknowledge.isPending}
          onClick={() => {
            acknowledge.mutate(alarm.id);
          }}
        >
          {t("alarms.acknowledge")}
        </Button>
      ) : null}
    </div>
  );
}
