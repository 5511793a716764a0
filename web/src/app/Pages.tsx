import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect } from "react";
import { Navigate, Route, Routes, useLocation, useParams } from "react-router";
import { useServices, useSession } from "../api/context";
import { hasRole, worksAtDesk } from "../api/session";
import { LiveProvider } from "../live/LiveProvider";
import { loadAdminWords } from "../i18n";
import { PhoneKeeper } from "../phone/PhoneKeeper";
import { Loading } from "../ui/notices";
import { ErrorBoundary } from "./ErrorBoundary";
import { NotFoundPage } from "./NotFoundPage";
import { Shell } from "./Shell";
import { WallboardFrame } from "./WallboardFrame";

/** Who is logged in already needs none of its forms. */
const Login = lazy(async () => ({ default: (await import("../pages/login/LoginPage")).LoginPage }));
const Overview = lazy(async () => ({ default: (await import("../pages/overview/OverviewPage")).OverviewPage }));
const Desk = lazy(async () => ({ default: (await import("../pages/desk/DeskPage")).DeskPage }));
const Wallboard = lazy(async () => ({ default: (await import("../pages/wallboard/WallboardPage")).WallboardPage }));
const FlowEditor = lazy(async () => {
  const [page] = await Promise.all([import("../pages/admin/flows/editor/FlowEditor"), loadAdminWords()]);
  return { default: page.FlowEditor };
});
const Admin = lazy(async () => {
  const [page] = await Promise.all([import("../pages/admin/AdminPage"), loadAdminWords()]);
  return { default: page.AdminPage };
});

export function Pages() {
  return (
    <Routes>
      <Route path="/login" element={<Page page={<Login />} />} />
      <Route path="*" element={<LoggedIn />} />
    </Routes>
  );
}

function LoggedIn() {
  const { session } = useServices();
  const { token, me } = useSession();
  const location = useLocation();
  const ended = useCallback(() => {
    session.end("expired");
  }, [session]);
  if (token === null || me === null || me.must_change_password) {
    return <Navigate to="/login" replace state={{ from: location.pathname }} />;
  }
  return (
    <LiveProvider token={token} onEnded={ended}>
      {hasRole(me, "agent", "supervisor") ? <PhoneKeeper /> : null}
      <Routes>
        <Route element={<WallboardFrame />}>
          <Route path="/wallboard" element={<Page page={<Wallboard />} />} />
        </Route>
        <Route element={<Shell />}>
          <Route path="/" element={<Page page={worksAtDesk(me) ? <Desk /> : <Overview />} />} />
          <Route path="/admin/flows/of/:name" element={<Flow />} />
          <Route path="/admin/*" element={<Page page={<Admin />} />} />
          <Route path="*" element={<NotFoundPage />} />
        </Route>
      </Routes>
    </LiveProvider>
  );
}

/** The flow is asked for while the designer, the largest of the pages, is loaded. */
function Flow() {
  const { name = "" } = useParams();
  const { session } = useServices();
  const queries = useQueryClient();
  useEffect(() => {
    void import("../pages/admin/flows/useFlows").then(({ fetchEarly }) => {
      fetchEarly(session, queries, name);
    });
  }, [session, queries, name]);
  return <Page page={<FlowEditor />} />;
}

function Page({ page }: { readonly page: React.ReactNode }) {
  const { pathname } = useLocation();
  return (
    <ErrorBoundary key={pathname.split("/")[1]}>
      <Suspense fallback={<Loading rows={8} />}>{page}</Suspense>
    </ErrorBoundary>
  );
}
