import { CloseOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi, useMe } from "../../../api/context";
import { newOrderKey } from "../../../api/orderKey";
import { unwrap } from "../../../api/problem";
import { hasRole } from "../../../api/session";
import { useWords } from "../../../i18n/useWords";
import type { Schemas } from "../../../live/types";

interface Props {
  readonly recording: string;
  readonly comments: readonly Schemas["Comment"][];
  /** Seconds into the recording, now. */
  readonly at: () => number;
  readonly onSeek: (seconds: number) => void;
}

/** What people said of moments; each goes to its moment. */
export function Comments({ recording, comments, at, onSeek }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const me = useMe();
  const cache = useQueryClient();
  const [draft, setDraft] = useState<{ text: string; at: number; key: string } | null>(null);
  const path = { recording_id: recording };
  const anew = () => cache.invalidateQueries({ queryKey: ["recording", recording, "comments"] });
  const add = useMutation({
    mutationFn: ({ text, at: moment, key }: { text: string; at: number; key: string }) =>
      unwrap(api.POST("/api/v1/recordings/{recording_id}/comments", { params: { path }, body: { at_seconds: moment, text, key } })),
    onSuccess: async () => {
      setDraft(null);
      await anew();
    },
  });
  const remove = useMutation({
    mutationFn: (comment: string) =>
      unwrap(
        api.DELETE("/api/v1/recordings/{recording_id}/comments/{comment_id}", {
          params: { path: { ...path, comment_id: comment }, query: { key: newOrderKey() } },
        }),
      ),
    onSuccess: anew,
  });
  const error = add.error ?? remove.error;
  return (
    <section className="comments" aria-label={t("recordings.comments")}>
      {comments.length === 0 ? <p className="quiet note">{t("recordings.noComments")}</p> : null}
      <ul>
        {comments.map((comment) => (
          <li key={comment.id}>
            <Button
              size="small"
              type="link"
              className="num"
              aria-label={t("recordings.goTo", { time: words.clock(comment.at_seconds) })}
              onClick={() => {
                onSeek(comment.at_seconds);
              }}
            >
              {words.clock(comment.at_seconds)}
            </Button>
            <span className="kept-lines">{comment.text}</span>
            <span className="quiet num">
              {comment.by} · {words.dateTime(comment.made_at)}
            </span>
            {comment.by === me.user || hasRole(me, "admin") ? (
              <Button
                size="small"
                type="text"
                icon={<CloseOutlined />}
                aria-label={t("recordings.removeComment")}
                loading={remove.isPending && remove.variables === comment.id}
                onClick={() => {
                  remove.mutate(comment.id);
                }}
              />
            ) : null}
          </li>
        ))}
      </ul>
      {draft === null ? (
        <Button
          size="small"
          onClick={() => {
            setDraft({ text: "", at: Math.floor(at() * 10) / 10, key: newOrderKey() });
          }}
        >
          {t("recordings.addComment")}
        </Button>
      ) : (
        <form
          className="comment-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (draft.text.trim() !== "") {
              add.mutate(draft);
            }
          }}
        >
          <Input
            autoFocus
            value={draft.text}
            maxLength={1000}
            aria-label={t("recordings.commentAt", { time: words.clock(draft.at) })}
            placeholder={t("recordings.commentAt", { time: words.clock(draft.at) })}
            onChange={(event) => {
              setDraft({ ...draft, text: event.target.value });
            }}
            onKeyDown={(event) => {
              if (event.key === "Escape") {
                event.stopPropagation();
                setDraft(null);
              }
            }}
          />
          <Button htmlType="submit" type="primary" loading={add.isPending} disabled={draft.text.trim() === ""}>
            {t("recordings.comment")}
          </Button>
        </form>
      )}
      {error === null ? null : <Alert type="error" showIcon title={words.problem(error)} />}
    </section>
  );
}
