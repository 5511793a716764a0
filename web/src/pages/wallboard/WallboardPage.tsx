import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/context";
import { hasRole } from "../../api/session";
import { AlarmStrip } from "../../alarms/AlarmStrip";
import { useHasView, useLive, useStale } from "../../live/context";
import { cx } from "../../ui/cx";
import { useKey } from "../../ui/keys";
import { EmptyNotice, Loading } from "../../ui/notices";
import { usePageTitle } from "../../ui/usePageTitle";
import { ComplianceStrip } from "./ComplianceStrip";
import { QueueTile } from "./QueueTile";
import { useFullscreen } from "./useFullscreen";
import { useAlarmSound } from "./useAlarmSound";
import { WallControls } from "./WallControls";
import "./wallboard.css";

const ForecastPanel = lazy(async () => ({ default: (await import("../../forecast/ForecastPanel")).ForecastPanel }));

/** To be read from across a room: one loud number for each queue, the clauses of section 10.3 beneath. */
export function WallboardPage() {
  const { t } = useTranslation();
  const me = useMe();
  const hasView = useHasView();
  const stale = useStale();
  const queues = useLive((state) => state.view.rows.queues);
  const fullscreen = useFullscreen();
  const sound = useAlarmSound();
  usePageTitle(t("nav.wallboard"));
  useKey("f", t("wall.fullscreen"), fullscreen.toggle);
  return (
    <main id="content" className={cx("wall", stale && "stale-figures", fullscreen.on && "full")}>
      <h1 className="sr-only">{t("nav.wallboard")}</h1>
      <AlarmStrip controls={!fullscreen.on} />
      {fullscreen.on ? null : <WallControls onFullscreen={fullscreen.toggle} sound={sound} />}
      {!hasView ? (
        <Loading rows={10} />
      ) : queues.size === 0 ? (
        <EmptyNotice title={t("queues.none")} hint={t("queues.noneHint")} />
      ) : (
        <section className="tiles" aria-label={t("queues.title")}>
          {[...queues.values()].map((queue) => (
            <QueueTile key={queue.id} queue={queue} />
          ))}
        </section>
      )}
      {hasRole(me, "supervisor", "auditor", "maintainer", "admin") ? (
        <>
          <Suspense>
            <ForecastPanel />
          </Suspense>
          <ComplianceStrip />
        </>
      ) : null}
    </main>
  );
}
