import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { EmptyNotice, Failure, Loading } from "../../ui/notices";
import { ladder, type LadderMessage } from "./ladder";
import { offset } from "./offset";

interface Props {
  readonly contact: string;
  readonly begin: string;
}

/** The SIP messages as arrows between the platform and its peers; a message opens to its text. */
export function SipLadder({ contact, begin }: Props) {
  const { t } = useTranslation();
  const api = useApi();
  const trace = useQuery({
    queryKey: ["contact", contact, "trace"],
    queryFn: () => unwrap(api.GET("/api/v1/contacts/{contact}/trace", { params: { path: { contact } } })),
  });
  const drawn = useMemo(() => ladder(trace.data?.items ?? []), [trace.data]);
  if (trace.error !== null) {
    return <Failure error={trace.error} onRetry={() => void trace.refetch()} />;
  }
  if (trace.data === undefined) {
    return <Loading rows={8} />;
  }
  if (drawn.messages.length === 0) {
    return <EmptyNotice title={t("contacts.noTrace")} hint={t("contacts.noTraceHint")} />;
  }
  const columns = { gridTemplateColumns: `72px repeat(${String(drawn.lanes.length)}, minmax(0, 1fr))` };
  return (
    <div className="ladder num">
      <div className="ladder-head" style={columns}>
        <span />
        {drawn.lanes.map((lane) => (
          <b key={lane}>{lane === "" ? "ccplatform" : lane}</b>
        ))}
      </div>
      {drawn.messages.map((message) => (
        <Arrow key={message.id} message={message} begin={begin} columns={columns} lanes={drawn.lanes.length} />
      ))}
    </div>
  );
}

interface ArrowProps {
  readonly message: LadderMessage;
  readonly begin: string;
  readonly columns: React.CSSProperties;
  readonly lanes: number;
}

function Arrow({ message, begin, columns, lanes }: ArrowProps) {
  // From the middle of one lane to the middle of the other.
  const low = Math.min(message.from, message.to);
  const span = Math.abs(message.from - message.to) + 1;
  const inset = { marginInline: `calc(${String(50 / span)}%)` };
  return (
    <details className="rung">
      <summary style={columns}>
        <time className="quiet" dateTime={message.at}>
          {offset(begin, message.at)}
        </time>
        {Array.from({ length: lanes }, (_, lane) => (
          <span key={lane} className="lifeline" style={{ gridColumn: lane + 2 }} aria-hidden="true" />
        ))}
        <span className="arrow" style={{ gridColumn: `${String(low + 2)} / span ${String(span)}` }}>
          <span className={message.to > message.from ? "rightward" : "leftward"} style={inset}>
            {message.title}
          </span>
        </span>
      </summary>
      <pre className="raw">{message.text}</pre>
    </details>
  );
}
