import { useQuery } from "@tanstack/react-query";
import { Button, DatePicker, Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi, useMe } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { hasRole } from "../../../api/session";
import { merged, type SignallingFilters } from "./filters";

const METHODS = ["INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "INFO", "UPDATE", "PRACK", "REFER", "SUBSCRIBE", "NOTIFY"];
const TRANSPORTS = ["UDP", "TCP", "TLS", "WS", "WSS"] as const;
const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx", "6xx"];

interface Props {
  readonly filters: SignallingFilters;
  readonly onChange: (filters: SignallingFilters) => void;
}

export function SignallingFilterBar({ filters, onChange }: Props) {
  const { t } = useTranslation();
  const [round, setRound] = useState(0); // a new round empties the fields that keep their text themselves
  const { trunks, seats } = useNames();
  const set = (changed: Parameters<typeof merged>[1]) => {
    onChange(merged(filters, changed));
  };
  const text = (name: "caller" | "called" | "address" | "call_id") => (
    <Input.Search
      className="filter"
      allowClear
      placeholder={t(`signalling.${name}`)}
      aria-label={t(`signalling.${name}`)}
      defaultValue={filters[name]}
      onSearch={(value) => {
        set({ [name]: value.trim() });
      }}
    />
  );
  const choice = (
    name: "trunk" | "seat" | "transport" | "method" | "status" | "direction",
    options: readonly { readonly value: string; readonly label: string }[],
  ) => (
    <Select
      className="filter"
      allowClear
      showSearch={{ optionFilterProp: "label" }}
      placeholder={t(`signalling.${name}`)}
      aria-label={t(`signalling.${name}`)}
      onChange={(value: string | undefined) => {
        set({ [name]: value });
      }}
      options={[...options]}
    />
  );
  return (
    <div className="filters signalling-filters" role="search" aria-label={t("signalling.filters")} key={round}>
      <DatePicker.RangePicker
        showTime={{ format: "HH:mm:ss" }}
        format="YYYY-MM-DD HH:mm:ss"
        allowEmpty={[true, true]}
        onChange={(range) => {
          set({ from: range?.[0]?.toISOString(), to: range?.[1]?.toISOString() });
        }}
      />
      {text("caller")}
      {text("called")}
      {choice("trunk", trunks.map(same))}
      {choice("seat", seats.map(same))}
      {text("address")}
      {choice("transport", TRANSPORTS.map(same))}
      {choice("method", METHODS.map(same))}
      {choice("status", CLASSES.map(same))}
      {choice("direction", [
        { value: "in", label: t("signalling.in") },
        { value: "out", label: t("signalling.out") },
      ])}
      {text("call_id")}
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

const same = (value: string) => ({ value, label: value });

/** Trunks and seats to choose from; auditors may not list them, and have the other fields. */
function useNames(): { trunks: readonly string[]; seats: readonly string[] } {
  const api = useApi();
  const enabled = hasRole(useMe(), "supervisor", "maintainer", "admin");
  const trunks = useQuery({ queryKey: ["trunks"], queryFn: () => unwrap(api.GET("/api/v1/trunks")), enabled });
  const seats = useQuery({ queryKey: ["seats"], queryFn: () => unwrap(api.GET("/api/v1/seats")), enabled });
  return {
    trunks: trunks.data?.items.map(({ id }) => id) ?? [],
    seats: seats.data?.items.map(({ id }) => id) ?? [],
  };
}
