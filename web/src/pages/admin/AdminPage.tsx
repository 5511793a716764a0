import { useTranslation } from "react-i18next";
import { NavLink, Navigate, Route, Routes } from "react-router";
import { useMe } from "../../api/context";
import { hasRole, type Role } from "../../api/session";
import { NoPermission } from "../../ui/notices";
import { AlarmsArea } from "./AlarmsArea";
import { AuditArea } from "./AuditArea";
import { ContactsArea } from "./ContactsArea";
import { TrunksArea } from "./TrunksArea";
import "./admin.css";

/** The areas there are, and the roles of their routes. */
const AREAS = [
  { path: "contacts", roles: ["supervisor", "auditor", "admin"], area: <ContactsArea /> },
  { path: "alarms", roles: ["supervisor", "maintainer", "auditor", "admin"], area: <AlarmsArea /> },
  { path: "trunks", roles: ["supervisor", "maintainer", "admin"], area: <TrunksArea /> },
  { path: "audit", roles: ["auditor", "admin"], area: <AuditArea /> },
] as const satisfies readonly { path: string; roles: readonly Role[]; area: React.ReactNode }[];

export function AdminPage() {
  const { t } = useTranslation();
  const me = useMe();
  const open = AREAS.filter(({ roles }) => hasRole(me, ...roles));
  const [first] = open;
  if (first === undefined) {
    return (
      <main id="content" className="content">
        <NoPermission />
      </main>
    );
  }
  return (
    <div className="admin">
      <nav className="admin-areas" aria-label={t("nav.admin")}>
        {open.map(({ path }) => (
          <NavLink key={path} to={`/admin/${path}`}>
            {t(`admin.${path}`)}
          </NavLink>
        ))}
      </nav>
      <main id="content" className="admin-area">
        <Routes>
          <Route index element={<Navigate to={first.path} replace />} />
          {open.map(({ path, area }) => (
            <Route key={path} path={`${path}/*`} element={area} />
          ))}
          <Route path="*" element={<NoPermission />} />
        </Routes>
      </main>
    </div>
  );
}
