import { useQuery } from "@tanstack/react-query";
import { Button, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useWords } from "../../../i18n/useWords";
import { Loading } from "../../../ui/notices";
import type { KindPage } from "./kind";
import { useChanges, useSettings } from "./useSettings";

interface Props {
  readonly kind: KindPage;
  readonly id: string;
  /** Null: whatever it is by now. */
  readonly revision: string | null;
  readonly may: boolean;
  readonly onDone: () => void;
}

/** Removes an item after saying what needs it; while anything does, it stays. */
export function RemoveButton({ kind, id, revision, may, onDone }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const settings = useSettings();
  const [asking, setAsking] = useState(false);
  const { remove } = useChanges(kind.path);
  const users = useQuery({
    queryKey: ["users", kind.path, id],
    queryFn: () => settings.users(kind.path, id),
    enabled: asking,
    staleTime: 0,
  });
  const needed = users.data?.items ?? [];
  return (
    <>
      <Button
        danger
        disabled={!may}
        title={may ? undefined : t("notice.noPermission")}
        onClick={() => {
          setAsking(true);
        }}
      >
        {t("settings.remove")}
      </Button>
      <Modal
        open={asking}
        title={t("settings.sure", { id })}
        okText={t("settings.remove")}
        okButtonProps={{ danger: true, disabled: users.data === undefined || needed.length > 0, loading: remove.isPending }}
        cancelText={t("settings.keep")}
        onOk={() => {
          remove.mutate({ id, revision }, { onSuccess: onDone });
        }}
        onCancel={() => {
          setAsking(false);
          remove.reset();
        }}
      >
        {users.isPending ? <Loading rows={2} /> : null}
        {needed.length === 0 ? (
          users.data === undefined ? null : <p>{t("settings.unneeded")}</p>
        ) : (
          <>
            <p>{t("settings.needed")}</p>
            <ul>
              {needed.slice(0, 20).map((one) => (
                <li key={one}>{one}</li>
              ))}
            </ul>
          </>
        )}
        {(users.error ?? remove.error) === null ? null : (
          <p className="setting-problem" role="alert">
            {words.problem(users.error ?? remove.error)}
          </p>
        )}
      </Modal>
    </>
  );
}
