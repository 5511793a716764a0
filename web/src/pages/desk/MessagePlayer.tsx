import { useQuery } from "@tanstack/react-query";
import { Alert, Segmented } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchAudio } from "../../api/client";
import { useServices } from "../../api/context";
import { useWords } from "../../i18n/useWords";
import { Loading } from "../../ui/notices";

const SPEEDS = [1, 1.25, 1.5, 2] as const;

interface Props {
  readonly message: string;
  /** The message sounds. */
  readonly onHeard: () => void;
}

/** Plays a message at once, at the speed that was chosen; every listening stands in the audit. */
export function MessagePlayer({ message, onHeard }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const { session } = useServices();
  const [speed, setSpeed] = useState<number>(1);
  const audio = useRef<HTMLAudioElement>(null);
  const sound = useQuery({
    queryKey: ["message-audio", message],
    queryFn: async ({ signal }) => URL.createObjectURL(await fetchAudio(session, message, signal)),
    gcTime: 0,
    retry: false,
    staleTime: Infinity,
  });
  const url = sound.data;
  useEffect(
    () => () => {
      if (url !== undefined) {
        URL.revokeObjectURL(url);
      }
    },
    [url],
  );
  useEffect(() => {
    if (audio.current !== null) {
      audio.current.playbackRate = speed;
    }
  }, [speed, url]);
  if (sound.error !== null) {
    return <Alert type="error" showIcon title={words.problem(sound.error)} />;
  }
  if (url === undefined) {
    return <Loading rows={1} />;
  }
  return (
    <div className="message-player">
      <audio ref={audio} src={url} controls autoPlay aria-label={t("messages.title")} onPlay={onHeard} />
      <Segmented
        size="small"
        aria-label={t("messages.speed")}
        value={speed}
        options={SPEEDS.map((value) => ({ value, label: `${String(value)}×` }))}
        onChange={setSpeed}
      />
    </div>
  );
}
