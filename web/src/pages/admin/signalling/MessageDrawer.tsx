import { useQuery } from "@tanstack/react-query";
import { Drawer, Tabs } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useApi, useMe } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { hasRole } from "../../../api/session";
import { Failure, Loading } from "../../../ui/notices";
import type { Message } from "./ladder";
import { MessageWords } from "./MessageWords";
import { SipLadder } from "./SipLadder";
import { readSip, titleOf } from "./sipText";

interface Props {
  readonly message: Message;
  readonly onClose: () => void;
}

/** One message explained, and the dialog or the whole contact that it belongs to. */
export function MessageDrawer({ message, onClose }: Props) {
  const { t } = useTranslation();
  const me = useMe();
  const sip = readSip(message.text);
  return (
    <Drawer open onClose={onClose} size={760} title={titleOf(sip)} className="contact-drawer">
      {message.contact === null || !hasRole(me, "supervisor", "auditor", "admin") ? null : (
        <p>
          <Link to={`/admin/contacts/${message.contact}`}>{t("signalling.toContact")}</Link>
        </p>
      )}
      <Tabs
        items={[
          {
            key: "message",
            label: t("signalling.message"),
            children: <MessageWords rung={{ sip, message, repeats: [], waited: undefined }} />,
          },
          { key: "ladder", label: t("signalling.ladder"), children: <Whole message={message} /> },
        ]}
      />
    </Drawer>
  );
}

function Whole({ message }: { readonly message: Message }) {
  const api = useApi();
  const query = message.contact === null ? { call_id: message.call_id, limit: 500 } : { contact: message.contact, limit: 500 };
  const found = useQuery({
    queryKey: ["signalling", "whole", query],
    queryFn: () => unwrap(api.GET("/api/v1/signalling", { params: { query } })),
    select: ({ items }) => [...items].reverse(),
  });
  if (found.error !== null) {
    return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  }
  return found.data === undefined ? (
    <Loading rows={8} />
  ) : (
    <SipLadder messages={found.data} begin={found.data[0]?.at ?? message.at} />
  );
}
