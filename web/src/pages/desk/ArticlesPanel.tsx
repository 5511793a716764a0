import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { useApi } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import type { Schemas } from "../../live/types";
import { EmptyNotice, Failure } from "../../ui/notices";
import { useToasts } from "../../ui/toasts";
import { Input } from "../../ui/input";

type Article = Schemas["PublishedArticle"];

const ARTICLES = ["articles"] as const;
/** A notice is there within a minute. */
const LOOK_MS = 60_000;

/** What supervisors have published for this agent (R10.1.d): urgent notices until they are read, the rest to look up. */
export function ArticlesPanel() {
  const { t } = useTranslation();
  const api = useApi();
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search.trim());
  const found = useQuery({
    queryKey: [...ARTICLES, wanted],
    queryFn: () => unwrap(api.GET("/api/v1/me/articles", { params: { query: { search: wanted } } })),
    refetchInterval: LOOK_MS,
    placeholderData: (before) => before,
  });
  const items = found.data?.items ?? [];
  const unread = items.filter((article) => !article.read).length;
  return (
    <section className="panel articles" aria-label={t("articles.title")}>
      <header className="panel-head">
        <h2>{t("articles.title")}</h2>
        {unread === 0 ? null : <span className="count">{t("articles.unread", { count: unread })}</span>}
        <span className="grow" />
        <Input
          size="small"
          variant="filled"
          allowClear
          className="article-search"
          maxLength={100}
          aria-label={t("articles.search")}
          placeholder={t("articles.search")}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
      </header>
      {found.error !== null && found.data === undefined ? (
        <Failure error={found.error} onRetry={() => void found.refetch()} />
      ) : items.length === 0 ? (
        wanted === "" ? <EmptyNotice title={t("articles.none")} hint={t("articles.noneHint")} /> : <EmptyNotice title={t("articles.notFound")} hint={t("articles.notFoundHint")} />
      ) : (
        <ul>
          {items.map((article) => (
            <Item key={`${article.id} ${article.version}`} article={article} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Item({ article }: { readonly article: Article }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const toasts = useToasts();
  const queries = useQueryClient();
  const loud = article.urgent && !article.read;
  const read = useMutation({
    mutationFn: () =>
      unwrap(api.POST("/api/v1/me/articles/{article_id}/read", { params: { path: { article_id: article.id } }, body: { version: article.version } })),
    onError: (error) => {
      void toasts.error(words.problem(error));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ARTICLES }),
  });
  return (
    <li className={loud ? "urgent" : undefined} data-article={article.id}>
      <details open={loud}>
        <summary>
          {loud ? <strong>▲ {t("articles.urgent")} · </strong> : null}
          <b>{article.title}</b> <span className="quiet num">{words.dateTime(article.changed_at)}</span>
          {article.read ? <span className="quiet"> ✓ {t("articles.read")}</span> : null}
        </summary>
        <p className="article-text">{article.text}</p>
        {article.until == null ? null : <p className="quiet num">{t("articles.until", { time: words.dateTime(article.until) })}</p>}
        {article.read ? null : (
          <Button
            size="small"
            type={loud ? "primary" : "default"}
            loading={read.isPending}
            onClick={() => {
              read.mutate();
            }}
          >
            {t("articles.acknowledge")}
          </Button>
        )}
      </details>
    </li>
  );
}
