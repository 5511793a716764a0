import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import { useNow } from "../../live/context";
import type { Queue } from "../../live/types";
import { cx } from "../../ui/cx";
import { DrillLink } from "../../ui/DrillLink";
import { contactsAddress, midnight, waitingAddress } from "../../ui/drill";
import { age, clock, NOTHING } from "../../ui/format";
import { StateBar } from "../../ui/StateBar";
import { LEVEL_MARK, serviceLevel, waitLevel, waitThresholds, type Level } from "../../ui/thresholds";

export function QueueCard({ queue }: { readonly queue: Queue }) {
  const { t } = useTranslation();
  const words = useWords();
  const now = useNow();
  const wait = queue.waiting_since === null ? null : age(queue.waiting_since, now);
  const level = wait === null ? "calm" : waitLevel(wait, waitThresholds(queue));
  const today = midnight(new Date(now));
  const waiting = waitingAddress(queue.id);
  return (
    <article className="panel queue-card" aria-labelledby={`queue-${queue.id}`} data-queue={queue.id}>
      <header>
        <h2 id={`queue-${queue.id}`}>{queue.name}</h2>
        <span className="quiet num">
          <DrillLink to={contactsAddress({ queue: queue.id, from: today })} title={t("drill.contacts")}>
            {t("queues.answeredToday", { answered: queue.answered_today })}
          </DrillLink>
          {" · "}
          <DrillLink to={contactsAddress({ queue: queue.id, outcome: "abandoned_queue", from: today })} title={t("drill.contacts")}>
            {t("queues.abandonedToday", { abandoned: queue.abandoned_today })}
          </DrillLink>
        </span>
      </header>
      <div className="queue-figures live-figure">
        <Figure label={t("queues.waiting")} value={String(queue.waiting)} loud={queue.waiting > 0} to={waiting} />
        <Figure
          label={t("queues.longestWait")}
          value={wait === null ? NOTHING : clock(wait)}
          level={level}
          loud={wait !== null}
          to={waiting}
        />
        <Figure
          label={t("queues.expectedWait")}
          value={queue.expected_wait === null ? NOTHING : clock(queue.expected_wait)}
          hint={queue.expected_wait === null ? t("queues.expectedUnknown") : undefined}
        />
        <ServiceLevel queue={queue} percent={words.percent} to={contactsAddress({ queue: queue.id, from: today })} />
      </div>
      <div className="live-figure">
        <StateBar counts={queue.agents} />
      </div>
    </article>
  );
}

interface FigureProps {
  readonly label: string;
  readonly value: string;
  readonly loud?: boolean;
  readonly level?: Level;
  readonly hint?: string | undefined;
  /** Where one finds the calls behind it. */
  readonly to?: string;
}

function Figure({ label, value, loud = false, level = "calm", hint, to }: FigureProps) {
  const { t } = useTranslation();
  return (
    <div className="figure" title={hint}>
      <span className="quiet">{label}</span>
      <b className={cx("num", level, loud && "loud")}>
        <LevelMark level={level} />
        {to === undefined ? value : <DrillLink to={to} title={t("drill.waiting")}>{value}</DrillLink>}
      </b>
    </div>
  );
}

function LevelMark({ level }: { readonly level: Level }) {
  return level === "calm" ? null : <i aria-hidden="true">{LEVEL_MARK[level]}</i>;
}

interface LevelProps {
  readonly queue: Queue;
  readonly percent: (share: number, digits?: number) => string;
  readonly to: string;
}

function ServiceLevel({ queue, percent, to }: LevelProps) {
  const { t } = useTranslation();
  const { value, target_share: share, target_seconds: seconds } = queue.service_level;
  const level = serviceLevel(queue);
  return (
    <div className="figure">
      <span className="quiet">{t("queues.serviceLevel")}</span>
      <b className={cx("num", level, value !== null && "loud")}>
        <LevelMark level={level} />
        <DrillLink to={to} title={t("drill.contacts")}>
          {value === null ? NOTHING : percent(value, 0)}
        </DrillLink>
      </b>
      <span className="target" aria-hidden="true">
        <i className={level} style={{ width: `${String((value ?? 0) * 100)}%` }} />
        <em style={{ left: `${String(share * 100)}%` }} />
      </span>
      <small className="quiet num">{t("queues.target", { share: percent(share), seconds })}</small>
    </div>
  );
}
