import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useApi } from "../../../api/context";
import { unwrap } from "../../../api/problem";
import { useWords } from "../../../i18n/useWords";
import { Failure, Loading } from "../../../ui/notices";

/** Who has read an article as it stands, and who of those it is for has not. */
export function ArticleReadings({ id }: { readonly id: string }) {
  const { t } = useTranslation();
  const words = useWords();
  const api = useApi();
  const found = useQuery({
    queryKey: ["readings", id],
    queryFn: () => unwrap(api.GET("/api/v1/configuration/articles/{article_id}/readings", { params: { path: { article_id: id } } })),
    enabled: id !== "",
  });
  if (id === "") {
    return null;
  }
  return (
    <section className="article-readings" aria-label={t("articles.readings")}>
      <h3>{t("articles.readings")}</h3>
      {found.error !== null ? (
        <Failure error={found.error} onRetry={() => void found.refetch()} />
      ) : found.data === undefined ? (
        <Loading rows={2} />
      ) : (
        <>
          <p>
            {t("articles.readBy", { count: found.data.items.length })}{" "}
            <span className="num quiet">{found.data.items.map(({ reader, at }) => `${reader} (${words.dateTime(at)})`).join(", ")}</span>
          </p>
          <p>
            {t("articles.notReadBy", { count: found.data.missing.length })}{" "}
            <span className="num quiet">{found.data.missing.map(({ agent }) => agent).join(", ")}</span>
          </p>
        </>
      )}
    </section>
  );
}
