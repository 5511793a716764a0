import { FullscreenOutlined, SoundOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { useMe } from "../../api/context";
import { worksAtDesk } from "../../api/session";
import { Brand } from "../../app/Brand";
import { AppearanceSwitches } from "../../app/Switches";
import { KeyCap, useKey } from "../../ui/keys";
import type { AlarmSound } from "./useAlarmSound";

interface Props {
  readonly onFullscreen: () => void;
  readonly sound: AlarmSound;
}

export function WallControls({ onFullscreen, sound }: Props) {
  const { t } = useTranslation();
  const me = useMe();
  const navigate = useNavigate();
  const back = t(worksAtDesk(me) ? "nav.desk" : "nav.overview");
  useKey("s", t("wall.sound"), sound.toggle);
  useKey("g o", back, () => void navigate("/"));
  return (
    <header className="wall-controls">
      <Brand />
      <Link to="/">
        {back}
        <KeyCap keys="g o" />
      </Link>
      <span className="grow" />
      <AppearanceSwitches />
      <Button
        icon={<SoundOutlined />}
        aria-pressed={sound.on}
        aria-keyshortcuts="s"
        onClick={sound.toggle}
      >
        {t(sound.on ? "wall.soundOn" : "wall.soundOff")}
        <KeyCap keys="s" />
      </Button>
      <Button icon={<FullscreenOutlined />} onClick={onFullscreen} aria-keyshortcuts="f">
        {t("wall.fullscreen")}
        <KeyCap keys="f" />
      </Button>
    </header>
  );
}
