import { AutoComplete, Button, Form, Radio } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSetState } from "../../agents/useSetState";
import { useAgents, useLive } from "../../live/context";
import type { Agent } from "../../live/types";
import { askPermissions, usePhoneChoice, type PhoneChoice } from "../../phone/context";

const LAST_SEAT = "ccplatform.seat";

/** Sign in at a seat: those whose phone was heard of are proposed, any other can be typed. */
export function SignIn({ agent }: { readonly agent: Agent }) {
  const { t } = useTranslation();
  const { setState } = useSetState(agent.id);
  const seats = useLive((state) => state.view.rows.seats);
  const agents = useAgents();
  const [seat, setSeat] = useState(() => window.localStorage.getItem(LAST_SEAT) ?? "");
  const holders = useMemo(
    () => new Map(agents.flatMap((each) => (each.seat === null ? [] : [[each.seat, each]]))),
    [agents],
  );
  const chosen = seat.trim();
  const holder = holders.get(chosen);
  const hasPhone = seats.get(chosen)?.registered === true;
  const [chosenPhone, setPhone] = useState<PhoneChoice | null>(null);
  const [last, choosePhone] = usePhoneChoice();
  const phone = chosenPhone ?? last ?? (hasPhone ? "desk" : "browser");
  const options = [...new Set([...seats.keys(), ...holders.keys()])].sort().map((id) => ({
    value: id,
    disabled: holders.has(id),
    label: `${id} · ${holders.get(id)?.name ?? t(seats.get(id)?.registered === true ? "seats.registered" : "seats.noPhone")}`,
  }));
  return (
    <Form
      layout="vertical"
      className="sign-in"
      onFinish={() => {
        window.localStorage.setItem(LAST_SEAT, chosen);
        choosePhone(phone);
        if (phone === "browser") {
          askPermissions();
        }
        setState.mutate({ state: "not_ready", reason: "", seat: chosen });
      }}
    >
      <Form.Item
        label={t("desk.seat")}
        htmlFor="seat"
        validateStatus={holder === undefined ? "" : "error"}
        help={
          holder === undefined
            ? chosen === ""
              ? t("desk.seatHint")
              : t(hasPhone ? "desk.phoneThere" : phone === "browser" ? "phone.browserRings" : "desk.phoneMissing", { seat: chosen })
            : t("desk.seatTaken", { agent: `${holder.id} ${holder.name}` })
        }
      >
        <AutoComplete
          id="seat"
          value={seat}
          options={options}
          placeholder="seat-01"
          maxLength={64}
          onChange={setSeat}
          autoFocus
          showSearch={{ filterOption: (text, option) => option?.value.includes(text.trim()) === true }}
        />
      </Form.Item>
      <Form.Item label={t("phone.choose")}>
        <Radio.Group
          aria-label={t("phone.choose")}
          optionType="button"
          block
          value={phone}
          options={[
            { value: "browser", label: t("phone.browser") },
            { value: "desk", label: t("phone.desk") },
          ]}
          onChange={(event) => {
            setPhone(event.target.value as PhoneChoice);
          }}
        />
      </Form.Item>
      <Button type="primary" htmlType="submit" size="large" block disabled={chosen === "" || holder !== undefined} loading={setState.isPending}>
        {t("desk.signIn")}
        <kbd aria-hidden="true">Enter</kbd>
      </Button>
    </Form>
  );
}
