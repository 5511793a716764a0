import { Button, Select } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useAgents, useLive } from "../live/context";
import { useSeatIds } from "../live/useSeatIds";
import { PhoneStrip } from "../pages/desk/PhoneStrip";
import { askPermissions, useListeningSeat, usePhoneChoice, usePhoneState } from "../phone/context";
import { KeyCap, useKey } from "../ui/keys";
import { useSupervision } from "./context";
import { PartButtons } from "./PartButtons";
import "./supervision.css";

/** By which phone the supervisor listens, and what he does in the talk that he hears. */
export function SupervisionStrip() {
  const { t } = useTranslation();
  const { seat, part } = useSupervision();
  const { talk } = usePhoneState();
  return (
    <div className="supervision">
      {part === null ? null : <Part />}
      <PhoneStrip seat={seat} alone={part === null && talk !== null}>
        <SeatChoice />
      </PhoneStrip>
      {seat === null ? (
        <section className="panel phone" aria-label={t("supervision.phone")}>
          <div className="phone-line">
            <strong>{t("supervision.phone")}</strong>
            <SeatChoice />
            <span className="quiet">{t("supervision.chooseSeat")}</span>
          </div>
        </section>
      ) : null}
    </div>
  );
}

function SeatChoice() {
  const { t } = useTranslation();
  const [chosen, choose] = useListeningSeat();
  const [phone, choosePhone] = usePhoneChoice();
  const { part } = useSupervision();
  const seats = useSeatIds();
  const agents = useAgents();
  const options = useMemo(() => {
    const taken = new Set(agents.map((agent) => agent.seat));
    return seats.filter((id) => !taken.has(id)).map((id) => ({ value: id, label: id }));
  }, [seats, agents]);
  return (
    <Select
      className="supervision-seat"
      aria-label={t("supervision.seat")}
      placeholder={t("supervision.seat")}
      size="small"
      showSearch
      allowClear
      options={options}
      value={chosen === "" ? null : chosen}
      disabled={part !== null}
      onChange={(seat: string | undefined) => {
        choose(seat ?? "");
        if (phone === null) {
          choosePhone("browser");
        }
        if (seat !== undefined && phone !== "desk") {
          askPermissions();
        }
      }}
    />
  );
}

function Part() {
  const { t } = useTranslation();
  const { part, leave } = useSupervision();
  const [choice] = usePhoneChoice();
  const agent = useLive((state) => state.view.rows.agents.get(part?.call.agent ?? ""));
  const browser = choice === "browser";
  useKey("e", t("supervision.leave"), leave, browser);
  if (part === null) {
    return null;
  }
  return (
    <section className="panel supervision-part" aria-label={t("supervision.title")} data-part={part.what}>
      <p role="status">
        <strong>{t(`supervision.now.${part.what}`)}</strong>{" "}
        <span className="num">
          {part.call.caller === "" ? t("calls.withheld") : part.call.caller} ↔ {part.call.agent} {agent?.name}
        </span>
      </p>
      <PartButtons call={part.call} />
      {browser ? (
        <Button danger onClick={leave} aria-keyshortcuts="e">
          {t("supervision.leave")}
          <KeyCap keys="e" />
        </Button>
      ) : (
        <span className="quiet">{t("supervision.leaveByPhone")}</span>
      )}
    </section>
  );
}
