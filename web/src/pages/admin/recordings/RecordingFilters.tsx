import { Button, Checkbox, Input, InputNumber, Select } from "antd";
import { useTranslation } from "react-i18next";
import { useLive } from "../../../live/context";
import { instant, localText } from "../ContactFilters";
import { addressOf, type Filters } from "./filters";
import { useDispositions } from "./useDispositions";

interface Props {
  readonly filters: Filters;
  readonly onChange: (address: Record<string, string>) => void;
}

export function RecordingFilters({ filters, onChange }: Props) {
  const { t } = useTranslation();
  const agents = useLive((state) => state.view.rows.agents);
  const queues = useLive((state) => state.view.rows.queues);
  const dispositions = useDispositions();
  const set = (changed: { [Name in keyof Filters]?: Filters[Name] | undefined }) => {
    onChange(addressOf({ ...filters, ...changed }));
  };
  const time = (name: "from" | "to") => (
    <Input
      type="datetime-local"
      className="filter-time"
      aria-label={t(`contacts.${name}`)}
      title={t(`contacts.${name}`)}
      value={localText(filters[name])}
      onChange={({ target }) => {
        set({ [name]: instant(target.value) });
      }}
    />
  );
  const word = (name: "caller" | "seat" | "contact", label: string) => (
    <Input.Search
      key={`${name} ${filters[name] ?? ""}`}
      className="filter"
      allowClear
      defaultValue={filters[name] ?? ""}
      placeholder={label}
      aria-label={label}
      onSearch={(text) => {
        set({ [name]: text.trim() });
      }}
    />
  );
  const choice = (name: "agent" | "queue" | "disposition", label: string, options: { value: string; label: string }[]) => (
    <Select
      className="filter"
      allowClear
      showSearch={{ optionFilterProp: "label" }}
      value={filters[name] ?? null}
      placeholder={label}
      aria-label={label}
      onChange={(value: string | null | undefined) => {
        set({ [name]: value ?? undefined });
      }}
      options={options}
    />
  );
  const figure = (name: "shortest" | "longest" | "lowest_score" | "highest_score", label: string, unit: number) => (
    <InputNumber<number>
      key={`${name} ${String(filters[name] ?? "")}`}
      className="filter-figure"
      min={0}
      max={unit === 1 ? 100 : 10_000}
      {...(filters[name] === undefined ? {} : { defaultValue: filters[name] / unit })}
      placeholder={label}
      aria-label={label}
      title={label}
      changeOnWheel={false}
      onPressEnter={({ target }) => {
        if (target instanceof HTMLInputElement) {
          target.blur();
        }
      }}
      onBlur={({ target }) => {
        const value = target.value.trim() === "" ? undefined : Number(target.value) * unit;
        if (value !== filters[name] && !Number.isNaN(value ?? 0)) {
          set({ [name]: value });
        }
      }}
    />
  );
  return (
    <div className="filters" role="search" aria-label={t("recordings.filters")}>
      {time("from")}
      {time("to")}
      {word("caller", t("calls.caller"))}
      {choice(
        "agent",
        t("contacts.agent"),
        [...agents.values()].map(({ id, name }) => ({ value: id, label: `${id} ${name}` })),
      )}
      {choice(
        "queue",
        t("queues.queue"),
        [...queues.values()].map(({ id, name }) => ({ value: id, label: name })),
      )}
      {word("seat", t("agents.seat"))}
      {word("contact", t("recordings.contactId"))}
      {choice(
        "disposition",
        t("recordings.disposition"),
        dispositions.map(({ id, name }) => ({ value: id, label: name })),
      )}
      {figure("shortest", t("recordings.shortest"), 60)}
      {figure("longest", t("recordings.longest"), 60)}
      {figure("lowest_score", t("recordings.lowestScore"), 1)}
      {figure("highest_score", t("recordings.highestScore"), 1)}
      <Checkbox
        checked={filters.held ?? false}
        onChange={({ target }) => {
          set({ held: target.checked ? true : undefined });
        }}
      >
        {t("recordings.onlyHeld")}
      </Checkbox>
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
