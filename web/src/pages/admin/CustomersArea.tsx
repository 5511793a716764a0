import { useTranslation } from "react-i18next";
import { useMe } from "../../api/context";
import { hasRole } from "../../api/session";
import { Notice } from "../../ui/notices";
import { usePageTitle } from "../../ui/usePageTitle";
import { Exchange } from "./settings/Exchange";
import { CUSTOMERS } from "./settings/kinds";
import "./settings/settings.css";

/** The whole directory of customers, out to a spreadsheet and back; single cards are corrected at the desk. */
export function CustomersArea() {
  const { t } = useTranslation();
  const may = hasRole(useMe(), ...CUSTOMERS.changers);
  usePageTitle(t("admin.customers"));
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{t("admin.customers")}</h2>
        <span className="grow" />
        <Exchange kind={CUSTOMERS} may={may} />
      </header>
      <Notice mark="⇅" title={t("admin.customersSheet")} hint={t("admin.customersHint")} />
    </section>
  );
}
