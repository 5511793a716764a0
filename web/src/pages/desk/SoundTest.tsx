import { Button } from "antd";
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { usePhone } from "../../phone/context";
import { devices, MicrophoneError, openMicrophone, release, watchLevel } from "../../phone/microphone";
import { testTone } from "../../phone/sounds";

/** Microphone and headset: which, how loud one is heard, and a tone to hear. */
export function SoundTest() {
  const { t } = useTranslation();
  const phone = usePhone();
  const [microphone, setMicrophone] = useState(devices.microphone);
  const [speaker, setSpeaker] = useState(devices.speaker);
  const [known, setKnown] = useState<readonly MediaDeviceInfo[]>([]);
  const [level, setLevel] = useState(0);

  useEffect(() => {
    let leave: (() => void) | null = null;
    let over = false;
    const open = async () => {
      try {
        const stream = await openMicrophone(microphone);
        if (over) {
          release(stream);
          return;
        }
        const unwatch = watchLevel(stream, setLevel);
        leave = () => {
          unwatch();
          release(stream);
        };
        phone.microphone(null);
        setKnown(await navigator.mediaDevices.enumerateDevices()); // names are told once the microphone is allowed
      } catch (error) {
        setLevel(0);
        phone.microphone(error instanceof MicrophoneError ? error.problem : "in_use");
      }
    };
    void open();
    return () => {
      over = true;
      leave?.();
    };
  }, [microphone, phone]);

  const choose = (kind: "microphone" | "speaker", set: (id: string) => void) => (id: string) => {
    devices.choose(kind, id);
    set(id);
  };
  return (
    <div className="sound-test">
      <Choice name="microphone" label={t("phone.microphoneLabel")} kind="audioinput" known={known} chosen={microphone} onChoose={choose("microphone", setMicrophone)}>
        <div className="level-field">
          <meter min={0} max={1} low={0.25} value={level} aria-label={t("phone.level")} />
          <span className="quiet">{t(level > 0.25 ? "phone.heard" : "phone.speak")}</span>
        </div>
      </Choice>
      <Choice name="speaker" label={t("phone.speakerLabel")} kind="audiooutput" known={known} chosen={speaker} onChoose={choose("speaker", setSpeaker)}>
        <div>
          <Button size="small" onClick={() => void testTone(speaker)}>
            {t("phone.playTone")}
          </Button>
        </div>
      </Choice>
    </div>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  readonly kind: MediaDeviceKind;
  readonly known: readonly MediaDeviceInfo[];
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
  readonly children: ReactNode;
}

/** All devices of a kind to be seen: one click takes one, as the arrow keys do. One that was pulled out is that of the system. */
function Choice({ name, label, kind, known, chosen, onChoose, children }: ChoiceProps) {
  const { t } = useTranslation();
  const there = known.filter((each) => each.kind === kind && each.deviceId !== "" && each.deviceId !== "default");
  const taken = there.some(({ deviceId }) => deviceId === chosen) ? chosen : "";
  return (
    <fieldset className="device-choice">
      <legend>{label}</legend>
      {[{ deviceId: "", label: t("phone.systemDevice") }, ...there].map((each) => (
        <label key={each.deviceId}>
          <input
            type="radio"
            name={name}
            checked={each.deviceId === taken}
            onChange={() => {
              onChoose(each.deviceId);
            }}
          />
          <span>{each.label}</span>
        </label>
      ))}
      {children}
    </fieldset>
  );
}
