import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import { useNow } from "../../live/context";
import type { Queue } from "../../live/types";
import { cx } from "../../ui/cx";
import { DrillLink } from "../../ui/DrillLink";
import { contactsAddress, midnight, waitingAddress } from "../../ui/drill";
import { age, clock, NOTHING } from "../../ui/format";
import { StateBar } from "../../ui/StateBar";
import { LEVEL_MARK, serviceLevel, waitLevel, waitThresholds } from "../../ui/thresholds";

export function QueueTile({ queue }: { readonly queue: Queue }) {
  const { t } = useTranslation();
  const words = useWords();
  const now = useNow();
  const { value, target_share: share, target_seconds: seconds } = queue.service_level;
  const level = serviceLevel(queue);
  const thresholds = waitThresholds(queue);
  const wait = queue.waiting_since === null ? null : age(queue.waiting_since, now);
  const waits = wait === null ? "calm" : waitLevel(wait, thresholds);
  return (
    <article className="tile panel" aria-labelledby={`tile-${queue.id}`} data-queue={queue.id}>
      <h2 id={`tile-${queue.id}`}>{queue.name}</h2>
      <div className="tile-level live-figure">
        <span className="label quiet num">
          <span>{t("queues.serviceLevel")}</span>
          <span>{t("queues.target", { share: words.percent(share), seconds })}</span>
        </span>
        <b className={cx("num", level, value === null && "none")}>
          <DrillLink to={contactsAddress({ queue: queue.id, from: midnight(new Date()) })} title={t("drill.contacts")}>
            {value === null ? NOTHING : words.figure(value * 100, 0)}
          </DrillLink>
          {value === null ? null : (
            <small>
              {" % "}
              <i aria-hidden="true">{LEVEL_MARK[level]}</i>
            </small>
          )}
        </b>
      </div>
      <div className="tile-waits live-figure">
        <div>
          <span className="quiet">{t("queues.waiting")}</span>
          <b className={cx("num", waits, queue.waiting === 0 && "none")}>
            <DrillLink to={waitingAddress(queue.id)} title={t("drill.waiting")}>
              {queue.waiting}
            </DrillLink>
          </b>
        </div>
        <div>
          <span className="label">
            <span className="quiet">{t("queues.longestWait")}</span>
            <span className="thresholds num" title={t("wall.thresholds")}>
              <span className="warn">▲ {clock(thresholds.warn)}</span> <span className="bad">■ {clock(thresholds.bad)}</span>
            </span>
          </span>
          <b className={cx("num", waits, wait === null && "none")}>
            <DrillLink to={waitingAddress(queue.id)} title={t("drill.waiting")}>
              {wait === null ? NOTHING : clock(wait)}
            </DrillLink>
            <small> {LEVEL_MARK[waits]}</small>
          </b>
        </div>
      </div>
      <p className="tile-more live-figure quiet num">
        <span title={queue.expected_wait === null ? t("queues.expectedUnknown") : undefined}>
          {t("queues.expectedWait")} <strong>{queue.expected_wait === null ? NOTHING : clock(queue.expected_wait)}</strong>
        </span>
        <DrillLink to={contactsAddress({ queue: queue.id, outcome: "abandoned_queue", from: midnight(new Date()) })} title={t("drill.contacts")}>
          {t("queues.abandonedToday", { abandoned: queue.abandoned_today })}
        </DrillLink>
      </p>
      <div className="live-figure tile-agents">
        <StateBar counts={queue.agents} large />
      </div>
    </article>
  );
}
