/** The designed states of a page that has nothing to show: each says what to do next. */
import { Button, Skeleton } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/problem";
import { useWords } from "../i18n/useWords";

interface NoticeProps {
  readonly mark: ReactNode;
  readonly title: string;
  readonly hint?: string | undefined;
  readonly action?: ReactNode;
  readonly role?: "alert" | "status";
}

export function Notice({ mark, title, hint, action, role }: NoticeProps) {
  return (
    <div className="notice" role={role}>
      <span className="notice-mark" aria-hidden="true">
        {mark}
      </span>
      <strong>{title}</strong>
      {hint === undefined ? null : <span className="quiet">{hint}</span>}
      {action}
    </div>
  );
}

export function EmptyNotice({ title, hint }: { readonly title: string; readonly hint?: string }) {
  return <Notice mark="○" title={title} hint={hint} />;
}

export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  const { t } = useTranslation();
  const words = useWords();
  if (error instanceof ApiError && error.status === 403) {
    return <NoPermission />;
  }
  return (
    <Notice
      role="alert"
      mark="!"
      title={t("notice.failed")}
      hint={words.problem(error)}
      action={<Button onClick={onRetry}>{t("notice.retry")}</Button>}
    />
  );
}

export function NoPermission() {
  const { t } = useTranslation();
  return <Notice role="alert" mark="⊘" title={t("notice.noPermission")} hint={t("notice.noPermissionHint")} />;
}

export function Loading({ rows = 4 }: { readonly rows?: number }) {
  const { t } = useTranslation();
  return (
    <div className="loading" role="status" aria-label={t("notice.loading")}>
      <Skeleton active title={false} paragraph={{ rows }} />
    </div>
  );
}
