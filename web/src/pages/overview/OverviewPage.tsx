import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/context";
import { hasRole } from "../../api/session";
import { AlarmStrip } from "../../alarms/AlarmStrip";
import { useHasView, useLive } from "../../live/context";
import { SupervisionProvider } from "../../supervision/SupervisionProvider";
import { Loading } from "../../ui/notices";
import { usePageTitle } from "../../ui/usePageTitle";
import { AgentsPanel } from "./AgentsPanel";
import { CallsPanel } from "./CallsPanel";
import { QueueCard } from "./QueueCard";
import "./overview.css";

const ForecastPanel = lazy(async () => ({ default: (await import("../../forecast/ForecastPanel")).ForecastPanel }));
const SeatsPanel = lazy(async () => ({ default: (await import("./SeatsPanel")).SeatsPanel }));
const SupervisionStrip = lazy(async () => ({ default: (await import("../../supervision/SupervisionStrip")).SupervisionStrip }));

/** What a supervisor glances at: queues above, people left, calls right; places never change. */
export function OverviewPage() {
  const { t } = useTranslation();
  const me = useMe();
  const hasView = useHasView();
  const queues = useLive((state) => state.view.rows.queues);
  usePageTitle(t("nav.overview"));
  return (
    <main id="content" className="content overview">
      <h1 className="sr-only">{t("nav.overview")}</h1>
      <AlarmStrip />
      {hasView ? (
        <>
          <section className="queues" aria-label={t("queues.title")}>
            {[...queues.values()].map((queue) => (
              <QueueCard key={queue.id} queue={queue} />
            ))}
          </section>
          {hasRole(me, "supervisor", "auditor", "maintainer", "admin") ? (
            <Suspense>
              <ForecastPanel />
            </Suspense>
          ) : null}
          <SupervisionProvider>
            {hasRole(me, "supervisor") ? (
              <Suspense>
                <SupervisionStrip />
              </Suspense>
            ) : null}
            <div className="overview-lower">
              <AgentsPanel />
              <div className="overview-right">
                <CallsPanel />
                <Suspense>
                  <SeatsPanel />
                </Suspense>
              </div>
            </div>
          </SupervisionProvider>
        </>
      ) : (
        <Loading rows={12} />
      )}
    </main>
  );
}
