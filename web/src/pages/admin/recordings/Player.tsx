import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button, Segmented, Slider, Switch } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { useWords } from "../../../i18n/useWords";
import type { Schemas } from "../../../live/types";
import { Comments } from "./Comments";
import { ExportButton } from "./ExportButton";
import { afterSilence, silences } from "./silence";
import { useBalance } from "./useBalance";
import { Waveform } from "./Waveform";

const SPEEDS = [0.75, 1, 1.25, 1.5, 2] as const;
/** A sound that stops sooner than this after it began has another reason than the end of its link. */
const PATIENCE_MS = 10_000;

interface Props {
  readonly recording: Schemas["RecordingRow"];
  readonly link: Schemas["RecordingLink"];
}

/** Plays a recording while it is fetched: any position at once, sides balanced, silence skipped, moments commented. */
export function Player({ recording, link }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const audio = useRef<HTMLAudioElement>(null);
  const resume = useRef({ at: 0, since: Infinity });
  const [url, setUrl] = useState(link.url);
  const [place, setPlace] = useState(0);
  const [speed, setSpeed] = useState(1);
  const [balance, setBalance] = useState(0);
  const [skips, setSkips] = useState(false);
  const [stopped, setStopped] = useState(false);
  const path = { params: { path: { recording_id: recording.id } } };
  const seconds = recording.seconds ?? 0;
  const shape = useQuery({
    queryKey: ["recording", recording.id, "waveform"],
    queryFn: () => unwrap(api.GET("/api/v1/recordings/{recording_id}/waveform", path)),
    staleTime: Infinity,
  });
  const comments = useQuery({
    queryKey: ["recording", recording.id, "comments"],
    queryFn: () => unwrap(api.GET("/api/v1/recordings/{recording_id}/comments", path)),
  });
  const again = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/recordings/{recording_id}/links", path)),
    onSuccess: (made) => {
      resume.current.since = Date.now();
      setStopped(false);
      setUrl(made.url);
    },
  });
  const quiet = useMemo(() => (shape.data === undefined ? [] : silences(shape.data.left, shape.data.right, seconds)), [shape.data, seconds]);
  const items = comments.data?.items ?? [];
  useBalance(audio, balance);
  useEffect(() => {
    if (audio.current !== null) {
      audio.current.playbackRate = speed;
    }
  }, [speed, url]);
  const seek = (to: number) => {
    if (audio.current !== null) {
      audio.current.currentTime = to;
    }
  };
  const failed = again.error ?? shape.error ?? comments.error;
  const problem = failed === null ? (stopped ? t("recordings.stopped") : null) : words.problem(failed);
  return (
    <>
      {shape.data === undefined ? null : (
        <Waveform
          shape={shape.data}
          place={place}
          marks={seconds > 0 ? items.map((comment) => comment.at_seconds / seconds) : []}
          onSeek={(share) => {
            seek(share * seconds);
          }}
        />
      )}
      <audio
        ref={audio}
        src={url}
        controls
        autoPlay
        aria-label={t("recordings.title")}
        onLoadedMetadata={({ currentTarget }) => {
          resume.current.since = Date.now();
          setStopped(false);
          currentTarget.playbackRate = speed;
          if (resume.current.at > 0) {
            currentTarget.currentTime = resume.current.at;
          }
        }}
        onError={() => {
          if (again.isPending) {
            return;
          }
          if (Date.now() - resume.current.since > PATIENCE_MS) {
            again.mutate(); // the link is over
          } else {
            setStopped(true);
          }
        }}
        onTimeUpdate={({ currentTarget }) => {
          const next = skips && !currentTarget.seeking ? afterSilence(quiet, currentTarget.currentTime) : null;
          if (next !== null) {
            currentTarget.currentTime = next;
          }
          resume.current.at = currentTarget.currentTime;
          setPlace(currentTarget.duration > 0 ? currentTarget.currentTime / currentTarget.duration : 0);
        }}
      />
      <div className="player-controls">
        <Segmented
          size="small"
          aria-label={t("recordings.speed")}
          value={speed}
          options={SPEEDS.map((value) => ({ value, label: `${String(value)}×` }))}
          onChange={setSpeed}
        />
        <label className="balance">
          <span aria-hidden="true">{t("recordings.caller")}</span>
          <Slider
            ariaLabelForHandle={t("recordings.balance")}
            min={-1}
            max={1}
            step={0.25}
            value={balance}
            tooltip={{ formatter: null }}
            onChange={setBalance}
          />
          <span aria-hidden="true">{t("recordings.agent")}</span>
        </label>
        <label>
          <Switch size="small" checked={skips} aria-label={t("recordings.skipSilence")} disabled={quiet.length === 0} onChange={setSkips} />{" "}
          {t("recordings.skipSilence")}
        </label>
        <ExportButton recording={recording.id} may={link.may_export} />
      </div>
      <Comments recording={recording.id} comments={items} at={() => audio.current?.currentTime ?? 0} onSeek={seek} />
      {problem === null ? null : (
        <Alert
          type="error"
          showIcon
          title={problem}
          action={
            <Button
              size="small"
              onClick={() => {
                again.mutate();
              }}
            >
              {t("recordings.listen")}
            </Button>
          }
        />
      )}
    </>
  );
}
