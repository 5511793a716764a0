import { Button } from "antd";
import { useTranslation } from "react-i18next";
import type { Call } from "../live/types";
import { KeyCap, useKey } from "../ui/keys";
import { canBeHeard, useSupervision, type Supervising } from "./context";

const PARTS: readonly { readonly what: Supervising; readonly key: string }[] = [
  { what: "monitor", key: "l" },
  { what: "whisper", key: "w" },
  { what: "barge", key: "b" },
];

/** Listen, whisper, barge, take over; of each, why it is not possible now. */
export function PartButtons({ call }: { readonly call: Call }) {
  const { t } = useTranslation();
  const { part, seat, pending, order } = useSupervision();
  const now = part?.call.id === call.id ? part.what : null;
  const elsewhere = part !== null && now === null;
  const may = seat !== null && seat !== call.seat && canBeHeard(call) && !elsewhere && !pending;
  const why = seat === null ? t("supervision.chooseSeat") : elsewhere ? t("supervision.elsewhere") : !canBeHeard(call) ? t("supervision.noTalk") : undefined;
  return (
    <div className="supervision-buttons" role="group" aria-label={t("supervision.title")}>
      {PARTS.map(({ what, key }) => (
        <PartButton
          key={what}
          name={t(`supervision.${what}`)}
          keys={key}
          pressed={now === what}
          disabled={!may}
          why={why}
          onPress={() => {
            order(call, what);
          }}
        />
      ))}
      <Button
        disabled={!may || now === null}
        title={now === null ? t("supervision.listenFirst") : undefined}
        onClick={() => {
          order(call, "take-over");
        }}
      >
        {t("supervision.takeOver")}
      </Button>
    </div>
  );
}

interface ButtonProps {
  readonly name: string;
  readonly keys: string;
  readonly pressed: boolean;
  readonly disabled: boolean;
  readonly why: string | undefined;
  readonly onPress: () => void;
}

function PartButton({ name, keys, pressed, disabled, why, onPress }: ButtonProps) {
  useKey(keys, name, onPress, !disabled && !pressed);
  return (
    <Button type={pressed ? "primary" : "default"} disabled={disabled} title={why} aria-pressed={pressed} aria-keyshortcuts={keys} onClick={onPress}>
      {name}
      <KeyCap keys={keys} />
    </Button>
  );
}
