import { useTranslation } from "react-i18next";
import { NavLink, Navigate, Route, Routes } from "react-router";
import { useMe } from "../../api/context";
import { hasRole, type Role } from "../../api/session";
import { useWords } from "../../i18n/useWords";
import { NoPermission } from "../../ui/notices";
import { AlarmsArea } from "./AlarmsArea";
import { AuditArea } from "./AuditArea";
import { CallBacksArea } from "./CallBacksArea";
import { ContactsArea } from "./ContactsArea";
import { CustomersArea } from "./CustomersArea";
import { FlowsArea } from "./flows/FlowsArea";
import { MysteryArea } from "./MysteryArea";
import { RecordingsArea } from "./recordings/RecordingsArea";
import * as kinds from "./settings/kinds";
import type { KindPage } from "./settings/kind";
import { MatrixArea } from "./settings/MatrixArea";
import { ReportsArea } from "./ReportsArea";
import { SettingsArea } from "./settings/SettingsArea";
import { SignallingArea } from "./signalling/SignallingArea";
import { SurveysArea } from "./SurveysArea";
import { TrunksArea } from "./TrunksArea";
import "./admin.css";
import "./signalling/signalling.css";

interface Area {
  readonly path: string;
  readonly group: "work" | "people" | "routes" | "system";
  readonly roles: readonly Role[];
  readonly area: React.ReactNode;
}

const settings = (kind: KindPage, group: Area["group"]): Area => ({
  path: kind.name,
  group,
  roles: kind.readers,
  area: <SettingsArea key={kind.name} kind={kind} />,
});

/** The areas there are, and the roles of their routes. */
const AREAS: readonly Area[] = [
  { path: "contacts", group: "work", roles: ["supervisor", "auditor", "admin"], area: <ContactsArea /> },
  { path: "recordings", group: "work", roles: ["supervisor", "auditor", "admin"], area: <RecordingsArea /> },
  { path: "customers", group: "work", roles: kinds.CUSTOMERS.readers, area: <CustomersArea /> },
  { path: "callbacks", group: "work", roles: ["supervisor", "auditor", "admin"], area: <CallBacksArea /> },
  { path: "reports", group: "work", roles: ["supervisor", "auditor", "admin"], area: <ReportsArea /> },
  { path: "surveys", group: "work", roles: ["supervisor", "auditor", "admin"], area: <SurveysArea /> },
  settings(kinds.ARTICLES, "work"),
  settings(kinds.AGENTS, "people"),
  settings(kinds.SHIFTS, "people"),
  settings(kinds.TEAMS, "people"),
  settings(kinds.SKILLS, "people"),
  { path: "matrix", group: "people", roles: kinds.AGENTS.readers, area: <MatrixArea /> },
  settings(kinds.SEATS, "people"),
  settings(kinds.REASONS, "people"),
  settings(kinds.DISPOSITIONS, "people"),
  settings(kinds.CRM_LINKS, "people"),
  settings(kinds.SCRIPTS, "people"),
  settings(kinds.QUEUES, "routes"),
  settings(kinds.CALENDARS, "routes"),
  { path: "flows", group: "routes", roles: ["supervisor", "maintainer", "auditor", "admin"], area: <FlowsArea /> },
  settings(kinds.NUMBERS, "routes"),
  settings(kinds.NUMBER_CLASSES, "routes"),
  settings(kinds.CALL_PERMISSIONS, "routes"),
  settings(kinds.RECORDING_RULES, "routes"),
  { path: "trunks", group: "routes", roles: kinds.TRUNKS.readers, area: <TrunksArea /> },
  { path: "alarms", group: "system", roles: ["supervisor", "maintainer", "auditor", "admin"], area: <AlarmsArea /> },
  { path: "mystery", group: "system", roles: ["supervisor", "maintainer", "auditor", "admin"], area: <MysteryArea /> },
  { path: "signalling", group: "system", roles: ["supervisor", "maintainer", "auditor", "admin"], area: <SignallingArea /> },
  settings(kinds.USERS, "system"),
  { path: "audit", group: "system", roles: ["auditor", "admin"], area: <AuditArea /> },
];

const GROUPS = ["work", "people", "routes", "system"] as const;

export function AdminPage() {
  const { t } = useTranslation();
  const words = useWords();
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
        {GROUPS.map((group) => (
          <div key={group} role="group" aria-label={t(`admin.group.${group}`)}>
            {open
              .filter((area) => area.group === group)
              .map(({ path }) => (
                <NavLink key={path} to={`/admin/${path}`}>
                  {words.name("settingKind", path)}
                </NavLink>
              ))}
          </div>
        ))}
      </nav>
      <main id="content" className="admin-area">
        <h1 className="sr-only">{t("nav.admin")}</h1>
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
