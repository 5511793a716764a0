import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Notice } from "../ui/notices";
import { usePageTitle } from "../ui/usePageTitle";

export function NotFoundPage() {
  const { t } = useTranslation();
  usePageTitle(t("notice.notFound"));
  return (
    <main className="content">
      <Notice mark="?" title={t("notice.notFound")} hint={t("notice.notFoundHint")} action={<Link to="/">{t("nav.overview")}</Link>} />
    </main>
  );
}
