import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import { useLive, useNow } from "../../live/context";
import type { Agent, Queue } from "../../live/types";
import { cx } from "../../ui/cx";
import { age, clock, NOTHING } from "../../ui/format";
import { LEVEL_MARK, serviceLevel, waitLevel, waitThresholds } from "../../ui/thresholds";

/** The queues in a few figures; those named like a skill of the agent come first. */
export function QueueSummary({ agent }: { readonly agent: Agent }) {
  const { t } = useTranslation();
  const queues = useLive((state) => state.view.rows.queues);
  const own = (queue: Queue) => (queue.id in agent.skills ? 0 : 1);
  const rows = [...queues.values()].sort((one, other) => own(one) - own(other));
  return (
    <section className="panel queue-summary" aria-label={t("queues.title")}>
      <table className="plain num">
        <thead>
          <tr>
            <th scope="col">{t("queues.queue")}</th>
            <th scope="col">{t("queues.waiting")}</th>
            <th scope="col">{t("queues.longestWait")}</th>
            <th scope="col">{t("queues.readyAgents")}</th>
            <th scope="col">{t("queues.serviceLevel")}</th>
          </tr>
        </thead>
        <tbody className="live-figure">
          {rows.map((queue) => (
            <SummaryRow key={queue.id} queue={queue} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function SummaryRow({ queue }: { readonly queue: Queue }) {
  const words = useWords();
  const now = useNow();
  const wait = queue.waiting_since === null ? null : age(queue.waiting_since, now);
  const level = wait === null ? "calm" : waitLevel(wait, waitThresholds(queue));
  const share = queue.service_level.value;
  const shareLevel = serviceLevel(queue);
  return (
    <tr>
      <th scope="row">{queue.name}</th>
      <td>{queue.waiting}</td>
      <td className={cx(level)}>{wait === null ? NOTHING : `${LEVEL_MARK[level]} ${clock(wait)}`}</td>
      <td>{queue.agents.ready ?? 0}</td>
      <td className={cx(shareLevel)}>
        {share === null ? NOTHING : `${LEVEL_MARK[shareLevel]} ${words.percent(share)}`}
        <span className="quiet"> / {words.percent(queue.service_level.target_share)}</span>
      </td>
    </tr>
  );
}
