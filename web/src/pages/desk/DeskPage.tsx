import { useTranslation } from "react-i18next";
import { useMe } from "../../api/context";
import { callerOf } from "../../phone/PhoneKeeper";
import { useCallsByContact, useHasView, useLive } from "../../live/context";
import { Loading, Notice } from "../../ui/notices";
import { usePageTitle } from "../../ui/usePageTitle";
import { ArticlesPanel } from "./ArticlesPanel";
import { CallCard } from "./CallCard";
import { CustomerCard } from "./CustomerCard";
import { MessagesPanel } from "./MessagesPanel";
import { NoteCard } from "./NoteCard";
import { OwnDay } from "./OwnDay";
import { PhoneStrip } from "./PhoneStrip";
import { QueueSummary } from "./QueueSummary";
import { StateCard } from "./StateCard";
import "./desk.css";

/** An agent's page: own state left, the call in the middle, its customer right, messages and queues below; nothing moves. */
export function DeskPage() {
  const { t } = useTranslation();
  const me = useMe();
  const hasView = useHasView();
  const agent = useLive((state) => state.view.rows.agents.get(me.agent ?? ""));
  const calls = useCallsByContact();
  const call = agent?.contact == null ? undefined : calls.get(agent.contact);
  const rings = agent?.state === "reserved" && call !== undefined;
  usePageTitle(agent === undefined ? t("nav.desk") : rings ? t("phone.rings", { caller: callerOf(call) }) : t(`state.${agent.state}`));
  if (!hasView) {
    return (
      <main id="content" className="content">
        <Loading rows={10} />
      </main>
    );
  }
  if (agent === undefined) {
    return (
      <main id="content" className="content">
        <Notice role="alert" mark="?" title={t("desk.unknownAgent")} hint={t("desk.unknownAgentHint")} />
      </main>
    );
  }
  return (
    <main id="content" className="content desk">
      <h1 className="sr-only">{t("nav.desk")}</h1>
      <StateCard agent={agent} />
      <CallCard call={call} agent={agent} />
      <CustomerCard call={call} />
      <NoteCard agent={agent} />
      <PhoneStrip seat={agent.seat} alone={agent.contact === null} />
      <ArticlesPanel />
      <MessagesPanel agent={agent} />
      <QueueSummary agent={agent} />
      <OwnDay agent={agent} />
    </main>
  );
}
