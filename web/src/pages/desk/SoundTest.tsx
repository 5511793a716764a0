import { Button, Select } from "antd";
import { useEffect, useState } from "react";
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

  const options = (kind: MediaDeviceKind) => [
    { value: "", label: t("phone.systemDevice") },
    ...known.filter((each) => each.kind === kind && each.deviceId !== "" && each.deviceId !== "default").map((each) => ({ value: each.deviceId, label: each.label })),
  ];
  const choose = (kind: "microphone" | "speaker", set: (id: string) => void) => (id: string) => {
    devices.choose(kind, id);
    set(id);
  };
  return (
    <div className="sound-test">
      <label htmlFor="phone-microphone">{t("phone.microphoneLabel")}</label>
      <Select id="phone-microphone" value={microphone} options={options("audioinput")} onChange={choose("microphone", setMicrophone)} />
      <div className="level-field">
        <meter min={0} max={1} low={0.25} value={level} aria-label={t("phone.level")} />
        <span className="quiet">{t(level > 0.25 ? "phone.heard" : "phone.speak")}</span>
      </div>
      <label htmlFor="phone-speaker">{t("phone.speakerLabel")}</label>
      <Select id="phone-speaker" value={speaker} options={options("audiooutput")} onChange={choose("speaker", setSpeaker)} />
      <Button size="small" onClick={() => void testTone(speaker)}>
        {t("phone.playTone")}
      </Button>
    </div>
  );
}
