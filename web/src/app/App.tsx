import { LoadingOutlined } from "@ant-design/icons";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { ConfigProvider, message } from "antd";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { BrowserRouter } from "react-router";
import { ServicesContext, type Services } from "../api/context";
import { ApiError } from "../api/problem";
import { libraryWords } from "../i18n";
import { useLanguage } from "../i18n/useWords";
import { KeysProvider } from "../ui/keys";
import { createSoftphone, PhoneContext } from "../phone/context";
import { ToastsContext } from "../ui/toasts";
import { antdTheme, applyTheme, rememberTheme, type ThemeName } from "../ui/theme";
import { ErrorBoundary } from "./ErrorBoundary";
import { Pages } from "./Pages";
import { AppearanceContext } from "./appearance";

// What shows that a button's work is under way is no part of its name.
const PENDING = <LoadingOutlined aria-hidden />;

interface Props {
  readonly services: Services;
  readonly theme: ThemeName;
}

export function App({ services, theme: first }: Props) {
  const language = useLanguage();
  const [theme, setTheme] = useState(first);
  const queries = useMemo(() => createQueries(), []);
  // Above the log-in: a call outlives a token that ends.
  const phone = useMemo(() => createSoftphone(services.api), [services.api]);
  const appearance = useMemo(
    () => ({
      theme,
      setTheme: (name: ThemeName) => {
        rememberTheme(window.localStorage, name);
        setTheme(name);
      },
    }),
    [theme],
  );

  useEffect(() => {
    applyTheme(theme, document.documentElement);
  }, [theme]);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);
  // What one person was allowed to see is not left for the next.
  useEffect(
    () =>
      services.session.subscribe(() => {
        const { token, ended } = services.session.read();
        if (token === null) {
          queries.clear();
        }
        if (ended === "logged_out") {
          phone.follow(null);
        }
      }),
    [services, queries, phone],
  );

  return (
    <ConfigProvider
      theme={antdTheme(theme)}
      locale={libraryWords(language)}
      button={{ autoInsertSpace: false, loadingIcon: PENDING }}
      componentSize="medium"
    >
      <Toasting>
        <ErrorBoundary>
          <AppearanceContext value={appearance}>
            <ServicesContext value={services}>
              <QueryClientProvider client={queries}>
                <KeysProvider>
                  <PhoneContext value={phone}>
                    <BrowserRouter>
                      <Pages />
                    </BrowserRouter>
                  </PhoneContext>
                </KeysProvider>
              </QueryClientProvider>
            </ServicesContext>
          </AppearanceContext>
        </ErrorBoundary>
      </Toasting>
    </ConfigProvider>
  );
}

function Toasting({ children }: { readonly children: ReactNode }) {
  const [toasts, holder] = message.useMessage();
  return (
    <ToastsContext value={toasts}>
      {holder}
      {children}
    </ToastsContext>
  );
}

function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        // A refusal stays a refusal; only a server or network that is away is asked again.
        retry: (failures, error) => failures < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
      },
      mutations: { retry: false },
    },
  });
}
