import { Button, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import { useLive } from "../../live/context";
import type { Schemas } from "../../live/types";

export interface Filters {
  readonly from?: string;
  readonly to?: string;
  readonly agent?: string;
  readonly seat?: string;
  readonly queue?: string;
  readonly caller?: string;
  readonly outcome?: Schemas["Outcome"];
}

const OUTCOMES = [
  "handled",
  "self_service",
  "transferred",
  "call_back",
  "voice_mail",
  "abandoned_ivr",
  "abandoned_queue",
  "abandoned_before_answer",
  "not_reached",
  "refused",
  "failed",
] as const satisfies readonly Schemas["Outcome"][];

const NAMES = ["from", "to", "agent", "seat", "queue", "caller", "outcome"] as const satisfies readonly (keyof Filters)[];

/** What an address narrows the list to; words that are no outcome narrow nothing. */
export function filtersOf(address: URLSearchParams): Filters {
  const entries = NAMES.flatMap((name) => {
    const value = address.get(name) ?? "";
    const known = value !== "" && (name !== "outcome" || OUTCOMES.some((outcome) => outcome === value));
    return known && (!(name === "from" || name === "to") || !Number.isNaN(Date.parse(value))) ? [[name, value]] : [];
  });
  return Object.fromEntries(entries) as Filters;
}

/** An instant as a field for local time shows it, and back. */
export function localText(at: string | undefined): string {
  if (at === undefined) {
    return "";
  }
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function instant(text: string): string | undefined {
  return text === "" ? undefined : new Date(text).toISOString();
}

interface Props {
  readonly filters: Filters;
  readonly onChange: (filters: Filters) => void;
}

export function ContactFilters({ filters, onChange }: Props) {
  const { t } = useTranslation();
  const agents = useLive((state) => state.view.rows.agents);
  const queues = useLive((state) => state.view.rows.queues);
  const set = (changed: { [Name in keyof Filters]?: Filters[Name] | undefined }) => {
    const merged = Object.entries({ ...filters, ...changed }).filter(([, value]) => value !== undefined && value !== "");
    onChange(Object.fromEntries(merged));
  };
  return (
    <div className="filters" role="search" aria-label={t("contacts.filters")}>
      <Input
        type="datetime-local"
        className="filter-time"
        aria-label={t("contacts.from")}
        title={t("contacts.from")}
        value={localText(filters.from)}
        onChange={({ target }) => {
          set({ from: instant(target.value) });
        }}
      />
      <Input
        type="datetime-local"
        className="filter-time"
        aria-label={t("contacts.to")}
        title={t("contacts.to")}
        value={localText(filters.to)}
        onChange={({ target }) => {
          set({ to: instant(target.value) });
        }}
      />
      <Input.Search
        key={`caller ${filters.caller ?? ""}`}
        className="filter"
        allowClear
        defaultValue={filters.caller ?? ""}
        placeholder={t("calls.caller")}
        aria-label={t("calls.caller")}
        onSearch={(caller) => {
          set({ caller: caller.trim() });
        }}
      />
      <Select
        className="filter"
        allowClear
        showSearch={{ optionFilterProp: "label" }}
        value={filters.agent ?? null}
        placeholder={t("contacts.agent")}
        aria-label={t("contacts.agent")}
        onChange={(agent: string | null | undefined) => {
          set({ agent: agent ?? undefined });
        }}
        options={[...agents.values()].map(({ id, name }) => ({ value: id, label: `${id} ${name}` }))}
      />
      <Select
        className="filter"
        allowClear
        value={filters.queue ?? null}
        placeholder={t("queues.queue")}
        aria-label={t("queues.queue")}
        onChange={(queue: string | null | undefined) => {
          set({ queue: queue ?? undefined });
        }}
        options={[...queues.values()].map(({ id, name }) => ({ value: id, label: name }))}
      />
      <Input.Search
        key={`seat ${filters.seat ?? ""}`}
        className="filter"
        allowClear
        defaultValue={filters.seat ?? ""}
        placeholder={t("agents.seat")}
        aria-label={t("agents.seat")}
        onSearch={(seat) => {
          set({ seat: seat.trim() });
        }}
      />
      <Select
        className="filter"
        allowClear
        value={filters.outcome ?? null}
        placeholder={t("contacts.outcome")}
        aria-label={t("contacts.outcome")}
        onChange={(outcome: Schemas["Outcome"] | null | undefined) => {
          set({ outcome: outcome ?? undefined });
        }}
        options={OUTCOMES.map((outcome) => ({ value: outcome, label: t(`outcome.${outcome}`) }))}
      />
      {Object.keys(filters).length === 0 ? null : (
        <Button
          type="text"
          onClick={() => {
            onChange({});
          }}
        >
          {t("contacts.clear")}
        </Button>
      )}
    </div>
  );
}
