import { Tooltip } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useAgents, useLive } from "../../live/context";
import { useSeatIds } from "../../live/useSeatIds";
import { cx } from "../../ui/cx";
import { EmptyNotice } from "../../ui/notices";

/** The seats and whether a phone is there. */
export function SeatsPanel() {
  const { t } = useTranslation();
  const live = useLive((state) => state.view.rows.seats);
  const agents = useAgents();
  const holders = useMemo(
    () => new Map(agents.flatMap((agent) => (agent.seat === null ? [] : [[agent.seat, agent]]))),
    [agents],
  );
  const ids = useSeatIds();
  const registered = [...live.values()].filter((seat) => seat.registered).length;
  return (
    <section className="panel" aria-labelledby="seats-title">
      <header className="panel-head">
        <h2 id="seats-title">{t("seats.title")}</h2>
        <span className="count">{t("seats.registeredOf", { registered, all: ids.length })}</span>
      </header>
      {ids.length === 0 ? (
        <EmptyNotice title={t("seats.none")} hint={t("seats.noneHint")} />
      ) : (
        <ul className="seats live-figure">
          {ids.map((id) => {
            const seat = live.get(id);
            const there = seat?.registered === true;
            const holder = holders.get(id);
            const words = [
              id,
              there ? `${t("seats.registered")} (${seat.transport}, ${seat.user_agent})` : t("seats.noPhone"),
              holder === undefined ? "" : `${holder.id} ${holder.name}`,
            ].filter((word) => word !== "");
            return (
              <li key={id}>
                <Tooltip title={words.join(" · ")}>
                  <span className={cx("seat", there && "there")} tabIndex={0} aria-label={words.join(", ")}>
                    <i aria-hidden="true" />
                    {id}
                    {holder === undefined ? null : <b className="num">{holder.id}</b>}
                  </span>
                </Tooltip>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
