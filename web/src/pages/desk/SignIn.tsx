import { Button } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSetState } from "../../agents/useSetState";
import { useAgents, useLive } from "../../live/context";
import type { Agent } from "../../live/types";
import { askPermissions, usePhoneChoice, type PhoneChoice } from "../../phone/context";
import { cx } from "../../ui/cx";
import { Input } from "../../ui/input";

const LAST_SEAT = "ccplatform.seat";
const PHONES: readonly PhoneChoice[] = ["browser", "desk"];

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
  const free = [...seats.keys()].filter((id) => !holders.has(id)).sort();
  return (
    // The browser's own form: the library's would be more than all the rest of this page.
    <form
      className="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        window.localStorage.setItem(LAST_SEAT, chosen);
        choosePhone(phone);
        if (phone === "browser") {
          askPermissions();
        }
        setState.mutate({ state: "not_ready", reason: "", seat: chosen });
      }}
    >
      <div className="sign-in-part">
        <label htmlFor="seat">{t("desk.seat")}</label>
        {/* The browser's own list, for the same reason. */}
        <Input
          id="seat"
          list="seats"
          autoComplete="off"
          value={seat}
          placeholder="seat-01"
          maxLength={64}
          status={holder === undefined ? "" : "error"}
          aria-invalid={holder !== undefined}
          aria-describedby="seat-note"
          onChange={({ target }) => {
            setSeat(target.value);
          }}
          autoFocus
        />
        <datalist id="seats">
          {free.map((id) => (
            <option key={id} value={id}>
              {t(seats.get(id)?.registered === true ? "seats.registered" : "seats.noPhone")}
            </option>
          ))}
        </datalist>
        <p id="seat-note" role="status" className={cx("note", holder === undefined ? "quiet" : "seat-taken")}>
          {holder === undefined
            ? chosen === ""
              ? t("desk.seatHint")
              : t(hasPhone ? "desk.phoneThere" : phone === "browser" ? "phone.browserRings" : "desk.phoneMissing", { seat: chosen })
            : `▲ ${t("desk.seatTaken", { agent: `${holder.id} ${holder.name}` })}`}
        </p>
      </div>
      <div className="sign-in-part">
        <span aria-hidden="true">{t("phone.choose")}</span>
        <div role="radiogroup" aria-label={t("phone.choose")} className="phone-choice">
          {PHONES.map((each) => (
            <label key={each}>
              <input
                type="radio"
                name="phone"
                className="sr-only"
                checked={phone === each}
                onChange={() => {
                  setPhone(each);
                }}
              />
              <span>{t(`phone.${each}`)}</span>
            </label>
          ))}
        </div>
      </div>
      <Button type="primary" htmlType="submit" size="large" block disabled={chosen === "" || holder !== undefined} loading={setState.isPending}>
        {t("desk.signIn")}
        <kbd aria-hidden="true">Enter</kbd>
      </Button>
    </form>
  );
}
