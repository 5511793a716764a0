import { CaretRightOutlined, CheckOutlined, DeleteOutlined, PhoneOutlined } from "@ant-design/icons";
import { Button, Popconfirm } from "antd";
import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import { useLive } from "../../live/context";
import { cx } from "../../ui/cx";
import { clock } from "../../ui/format";
import { KeyCap } from "../../ui/keys";
import { MessagePlayer } from "./MessagePlayer";
import { mayCallBack, type Message, type MessageOrder } from "./useMessageOrders";

interface Props {
  readonly message: Message;
  /** The keys work on it. */
  readonly chosen: boolean;
  readonly playing: boolean;
  readonly disabled: boolean;
  readonly onPlay: () => void;
  readonly onOrder: (to: MessageOrder) => void;
}

/** Who left a message, for whom, when, how long; and what can be done about it. */
export function MessageRow({ message, chosen, playing, disabled, onPlay, onOrder }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const box = message.mailbox.replace(/^queue:/, "");
  const queue = useLive((state) => state.view.rows.queues.get(box)?.name ?? box);
  const cap = (keys: string) => (chosen ? <KeyCap keys={keys} /> : null);
  return (
    <li className={cx(chosen && "chosen")} aria-current={chosen} data-message={message.id}>
      <span className={cx("message-state", message.state)}>{t(`messageState.${message.state}`)}</span>
      <span className="message-caller num">{message.caller === "" ? t("messages.unknown") : message.caller}</span>
      <span>{message.mailbox.startsWith("agent:") ? t("messages.mine") : queue}</span>
      <time className="quiet num" dateTime={message.left_at}>{words.dateTime(message.left_at)}</time>
      <span className="num">{clock(message.seconds)}</span>
      <span className="message-acts">
        <Button size="small" icon={<CaretRightOutlined aria-hidden="true" />} onClick={onPlay} aria-keyshortcuts="v p">
          {t("messages.play")}
          {cap("v p")}
        </Button>
        <Button size="small" icon={<CheckOutlined aria-hidden="true" />} disabled={disabled} onClick={() => { onOrder("handled"); }} aria-keyshortcuts="v h">
          {t("messages.handled")}
          {cap("v h")}
        </Button>
        <Button
          size="small"
          icon={<PhoneOutlined aria-hidden="true" />}
          disabled={disabled || !mayCallBack(message)}
          title={mayCallBack(message) ? undefined : t("messages.noCallBack")}
          onClick={() => { onOrder("call-back"); }}
          aria-keyshortcuts="v c"
        >
          {t("messages.callBack")}
          {cap("v c")}
        </Button>
        <Popconfirm
          title={t("messages.sure")}
          okText={t("notice.yes")}
          cancelText={t("notice.no")}
          disabled={disabled}
          onConfirm={() => { onOrder("delete"); }}
        >
          <Button size="small" icon={<DeleteOutlined aria-hidden="true" />} disabled={disabled} aria-label={t("messages.delete")} title={t("messages.delete")} />
        </Popconfirm>
      </span>
      {message.note === "" ? null : <span className="message-note quiet">{message.note}</span>}
      {playing ? (
        <MessagePlayer
          message={message.id}
          onHeard={() => {
            if (message.state === "new") {
              onOrder("heard");
            }
          }}
        />
      ) : null}
    </li>
  );
}
