import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { ApiError, unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { Input } from "../../ui/input";

type Card = Schemas["CustomerCard"];
type Wanted = Schemas["WantedCustomer"];

interface Props {
  /** Who is corrected; null: somebody new, of this number. */
  readonly card: Card | null;
  readonly number: string;
  readonly onDone: (account: string | null) => void;
}

/** Enter or correct a customer (R10.1.d); what somebody else changed meanwhile is never overwritten. */
export function CustomerForm({ card, number, onDone }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const queries = useQueryClient();
  const [account, setAccount] = useState(card?.account ?? "");
  const [wanted, setWanted] = useState<Wanted>({
    phone: card?.phone ?? number,
    name: card?.name ?? "",
    name_latin: card?.name_latin ?? "",
    level: card?.level ?? "",
    city: card?.city ?? "",
    note: card?.note ?? "",
  });
  const save = useMutation({
    mutationFn: () =>
      unwrap(
        api.PUT("/api/v1/customers/{account}", {
          params: {
            path: { account },
            header: card === null ? { "if-none-match": "*" } : { "if-match": `"${String(card.version)}"` },
          },
          body: wanted,
        }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["pop"] });
      onDone(account);
    },
  });
  const error = save.error instanceof ApiError ? save.error : null;
  const meanwhile = error?.code === "changed_meanwhile";
  const field = (name: keyof Wanted, label: string, most: number, first = false) => (
    <Field
      first={first}
      label={label}
      most={most}
      value={wanted[name]}
      problem={error?.fields[name]}
      onChange={(value) => {
        setWanted({ ...wanted, [name]: value });
      }}
    />
  );
  return (
    <form
      className="pop customer-form"
      aria-label={t(card === null ? "customer.enter" : "customer.edit")}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      {card === null ? <Field label={t("customer.account")} most={64} value={account} problem={error?.fields.account} onChange={setAccount} first /> : null}
      {field("phone", t("customer.phone"), 40, card !== null)}
      {field("name", t("customer.name"), 200)}
      {field("name_latin", t("customer.nameLatin"), 200)}
      {field("level", t("customer.level"), 32)}
      {field("city", t("customer.city"), 100)}
      {field("note", t("customer.note"), 2_000)}
      {save.error === null ? null : (
        <p role="alert" className="bad">
          ▲ {meanwhile ? t("customer.changed") : words.problem(save.error)}{" "}
          {meanwhile ? (
            <Button
              size="small"
              onClick={() => {
                void queries.invalidateQueries({ queryKey: ["pop"] });
                onDone(card?.account ?? null);
              }}
            >
              {t("customer.showTheirs")}
            </Button>
          ) : null}
        </p>
      )}
      <p className="customer-form-acts">
        <Button htmlType="submit" type="primary" size="small" loading={save.isPending} disabled={account.trim() === "" || wanted.name.trim() === ""}>
          {t("customer.save")}
        </Button>
        <Button
          size="small"
          onClick={() => {
            onDone(card?.account ?? null);
          }}
        >
          {t("customer.cancel")}
        </Button>
      </p>
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly most: number;
  readonly problem: string | undefined;
  /** It has the focus when the form opens. */
  readonly first: boolean;
  readonly onChange: (value: string) => void;
}

function Field({ label, value, most, problem, first, onChange }: FieldProps) {
  const id = useId();
  return (
    <>
      <label htmlFor={id} className="quiet">
        {label}
      </label>
      <Input
        id={id}
        size="small"
        autoFocus={first}
        maxLength={most}
        value={value}
        {...(problem === undefined ? {} : { status: "error" as const, title: problem })}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      />
    </>
  );
}
