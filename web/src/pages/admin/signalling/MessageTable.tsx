import { useTranslation } from "react-i18next";
import { useWords } from "../../../i18n/useWords";
import type { Message } from "./ladder";
import { readSip, titleOf } from "./sipText";

interface Props {
  /** Newest first. */
  readonly items: readonly Message[];
  readonly open: Message | null;
  readonly onOpen: (message: Message) => void;
}

/** Messages, one a line; ↑ and ↓ go from one to the next, Enter opens it. */
export function MessageTable({ items, open, onOpen }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const heads = ["at", "direction", "peer", "message", "caller", "called"] as const;
  return (
    <div className="signalling-table">
      <table className="num">
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {t(`signalling.${head}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((message) => (
            <tr
              key={message.number > 0 ? message.number : `${message.at} ${message.call_id} ${message.text.slice(0, 20)}`}
              className="openable"
              tabIndex={0}
              aria-selected={message === open}
              onClick={() => {
                onOpen(message);
              }}
              onKeyDown={(event) => {
                move(event, () => {
                  onOpen(message);
                });
              }}
            >
              <td>{`${words.dateTime(message.at)}.${message.at.slice(20, 23).replace("Z", "").padEnd(3, "0")}`}</td>
              <td title={t(message.outgoing ? "signalling.out" : "signalling.in")}>{message.outgoing ? "→" : "←"}</td>
              <td>
                <span className="quiet">{message.transport}</span> {message.remote}
              </td>
              <td className={message.status !== null && message.status >= 400 ? "warn" : undefined}>
                {titleOf(readSip(message.text))}
              </td>
              <td>{message.caller}</td>
              <td>{message.called}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function move(event: React.KeyboardEvent<HTMLElement>, onOpen: () => void) {
  const row = event.currentTarget;
  const next = event.key === "ArrowDown" ? row.nextElementSibling : event.key === "ArrowUp" ? row.previousElementSibling : null;
  if (event.key === "Enter") {
    onOpen();
  } else if (next instanceof HTMLElement) {
    event.preventDefault();
    next.focus();
  }
}
