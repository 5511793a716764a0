import { CaretRightOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchAudio } from "../../api/client";
import { useApi, useServices } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { Failure } from "../../ui/notices";
import { Waveform } from "./Waveform";
import { peaksOf, type Peaks } from "./peaks";

type Recording = Schemas["RecordingRow"];

export function Recordings({ contact }: { readonly contact: string }) {
  const { t } = useTranslation();
  const api = useApi();
  const recordings = useQuery({
    queryKey: ["contact", contact, "recordings"],
    queryFn: () => unwrap(api.GET("/api/v1/recordings", { params: { query: { contact, limit: 20 } } })),
  });
  if (recordings.error !== null) {
    return <Failure error={recordings.error} onRetry={() => void recordings.refetch()} />;
  }
  const items = recordings.data?.items ?? [];
  return items.length === 0 ? (
    <p className="quiet no-recording">{recordings.isPending ? t("notice.loading") : t("recordings.none")}</p>
  ) : (
    <div className="recordings">
      {items.map((recording) => (
        <Player key={recording.id} recording={recording} />
      ))}
    </div>
  );
}

/** Nothing is fetched before somebody asks for it: every listening stands in the audit. */
function Player({ recording }: { readonly recording: Recording }) {
  const { t } = useTranslation();
  const words = useWords();
  const { session } = useServices();
  const [loaded, setLoaded] = useState<{ url: string; peaks: Peaks | null } | null>(null);
  const audio = useRef<HTMLAudioElement>(null);
  const leaving = useRef(new AbortController());
  const [place, setPlace] = useState(0);
  const listen = useMutation({
    mutationFn: async () => {
      const blob = await fetchAudio(session, recording.id, leaving.current.signal);
      return { url: URL.createObjectURL(blob), peaks: await peaksOf(blob) };
    },
    onSuccess: setLoaded,
  });
  useEffect(() => {
    leaving.current = new AbortController();
    return () => {
      leaving.current.abort();
    };
  }, []);
  useEffect(
    () => () => {
      if (loaded !== null) {
        URL.revokeObjectURL(loaded.url);
      }
    },
    [loaded],
  );
  const writing = recording.ended_at === null;
  return (
    <div className="player" data-recording={recording.id}>
      <p>
        <b>{t("recordings.title")}</b>{" "}
        <span className="quiet num">
          {[
            t(`recordingMode.${recording.mode}`),
            recording.seconds === null ? "" : words.clock(recording.seconds),
            recording.size_bytes === null ? "" : words.bytes(recording.size_bytes),
            recording.complete === false ? t("recordings.cut", { reason: recording.reason }) : "",
          ]
            .filter((part) => part !== "")
            .join(" · ")}
        </span>
      </p>
      {loaded === null ? (
        <Button
          icon={<CaretRightOutlined />}
          disabled={writing}
          title={writing ? t("recordings.writing") : undefined}
          loading={listen.isPending}
          onClick={() => {
            listen.mutate();
          }}
        >
          {t("recordings.listen")}
        </Button>
      ) : (
        <>
          {loaded.peaks === null ? null : (
            <Waveform
              peaks={loaded.peaks}
              place={place}
              onSeek={(share) => {
                if (audio.current !== null) {
                  audio.current.currentTime = share * audio.current.duration;
                }
              }}
            />
          )}
          <audio
            ref={audio}
            src={loaded.url}
            controls
            autoPlay
            aria-label={t("recordings.title")}
            onTimeUpdate={({ currentTarget }) => {
              setPlace(currentTarget.duration > 0 ? currentTarget.currentTime / currentTarget.duration : 0);
            }}
          />
        </>
      )}
      {listen.error === null ? null : <Alert type="error" showIcon title={words.problem(listen.error)} />}
      <p className="quiet note">{t("recordings.audited")}</p>
    </div>
  );
}
