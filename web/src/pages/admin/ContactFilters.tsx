import { Button, DatePicker, Input, Select } from "antd";
import { useState } from "react";
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

interface Props {
  readonly filters: Filters;
  readonly onChange: (filters: Filters) => void;
}

export function ContactFilters({ filters, onChange }: Props) {
  const { t } = useTranslation();
  const agents = useLive((state) => state.view.rows.agents);
  const queues = useLive((state) => state.view.rows.queues);
  const [round, setRound] = useState(0); // a new round empties the fields that keep their text themselves
  const set = (changed: { [Name in keyof Filters]?: Filters[Name] | undefined }) => {
    const merged = Object.entries({ ...filters, ...changed }).filter(([, value]) => value !== undefined && value !== "");
    onChange(Object.fromEntries(merged));
  };
  return (
    <div className="filters" role="search" aria-label={t("contacts.filters")} key={round}>
      <DatePicker.RangePicker
        showTime={{ format: "HH:mm" }}
        format="YYYY-MM-DD HH:mm"
        allowEmpty={[true, true]}
        onChange={(range) => {
          set({ from: range?.[0]?.toISOString(), to: range?.[1]?.toISOString() });
        }}
      />
      <Input.Search
        className="filter"
        allowClear
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
        placeholder={t("contacts.agent")}
        aria-label={t("contacts.agent")}
        onChange={(agent: string | undefined) => {
          set({ agent });
        }}
        options={[...agents.values()].map(({ id, name }) => ({ value: id, label: `${id} ${name}` }))}
      />
      <Select
        className="filter"
        allowClear
        placeholder={t("queues.queue")}
        aria-label={t("queues.queue")}
        onChange={(queue: string | undefined) => {
          set({ queue });
        }}
        options={[...queues.values()].map(({ id, name }) => ({ value: id, label: name }))}
      />
      <Input.Search
        className="filter"
        allowClear
        placeholder={t("agents.seat")}
        aria-label={t("agents.seat")}
        onSearch={(seat) => {
          set({ seat: seat.trim() });
        }}
      />
      <Select
        className="filter"
        allowClear
        placeholder={t("contacts.outcome")}
        aria-label={t("contacts.outcome")}
        onChange={(outcome: Schemas["Outcome"] | undefined) => {
          set({ outcome });
        }}
        options={OUTCOMES.map((outcome) => ({ value: outcome, label: t(`outcome.${outcome}`) }))}
      />
      {Object.keys(filters).length === 0 ? null : (
        <Button
          type="text"
          onClick={() => {
            onChange({});
            setRound(round + 1);
          }}
        >
          {t("contacts.clear")}
        </Button>
      )}
    </div>
  );
}
