import { useTranslation } from "react-i18next";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { EmptyNotice, Failure, Loading } from "../../ui/notices";
import { factDetails, factGroup, type FactGroup } from "./facts";
import { offset } from "./offset";
import { Timeline } from "./Timeline";
import { useContactEvents } from "./useContactEvents";

interface Props {
  readonly contact: string;
  /** Offsets are counted from here. */
  readonly begin: string;
  /** Of these facts alone. */
  readonly only?: FactGroup;
}

export function Story({ contact, begin, only }: Props) {
  const { t } = useTranslation();
  const events = useContactEvents(contact);
  if (events.error !== null) {
    return <Failure error={events.error} onRetry={() => void events.refetch()} />;
  }
  if (events.data === undefined) {
    return <Loading rows={8} />;
  }
  if (events.data.items.length === 0) {
    return <EmptyNotice title={t("contacts.noEvents")} />;
  }
  const steps = events.data.items.filter(({ type }) => only === undefined || factGroup(type) === only);
  return steps.length === 0 ? (
    <EmptyNotice title={t("contacts.noFlow")} />
  ) : (
    <>
      {only === undefined ? <Timeline events={events.data.items} now={events.dataUpdatedAt} /> : null}
      <ol className="story">
        {steps.map((event) => (
          <StoryLine key={event.id} event={event} begin={begin} />
        ))}
      </ol>
    </>
  );
}

function StoryLine({ event, begin }: { readonly event: Schemas["ContactEvent"]; readonly begin: string }) {
  const { t, i18n } = useTranslation();
  const words = useWords();
  const loose = t as unknown as (key: string) => string;
  const details = factDetails(event.data, {
    words,
    field: (name) => (i18n.exists(`field.${name}`) ? loose(`field.${name}`) : name.replaceAll("_", " ")),
  });
  return (
    <li className={factGroup(event.type)}>
      <time className="num quiet" dateTime={event.at} title={words.dateTime(event.at)}>
        {offset(begin, event.at)}
      </time>
      <i aria-hidden="true" />
      <div>
        <b>{words.name("fact", event.type)}</b>
        <span className="story-details num">
          {details.map(({ name, value }) => (
            <span key={name}>
              <span className="quiet">{name}</span> {value}
            </span>
          ))}
        </span>
      </div>
    </li>
  );
}
