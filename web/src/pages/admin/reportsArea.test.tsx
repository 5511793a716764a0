// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { configure, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApi } from "../../api/client";
import { ServicesContext } from "../../api/context";
import { SessionStore } from "../../api/session";
import { loadAdminWords, startI18n } from "../../i18n";
import en from "../../i18n/admin.en.json";
import zh from "../../i18n/admin.zh.json";
import { ToastsContext } from "../../ui/toasts";
import { ReportsArea } from "./ReportsArea";

configure({ asyncUtilTimeout: 20_000 }); // which only ends a run that fails

const column = (name: string, unit: string) => ({ name, title: `title of ${name}`, title_zh: `${name}的标题`, unit });
const FOUND = {
  report: "queues",
  group_by: "queue",
  begin: "2026-01-05T00:00:00Z",
  end: "2026-01-06T00:00:00Z",
  next_cursor: null,
  columns: [column("queue", "group"), column("offered", "count"), column("service_level", "ratio"), column("talk_seconds", "seconds")],
  items: [
    { queue: "sales", offered: 1234, service_level: 0.815, talk_seconds: 60.25 },
    { queue: "", offered: 0, service_level: null, talk_seconds: 0 },
  ],
};

describe.each(["en", "zh"] as const)("reports in %s", { timeout: 60_000 }, (language) => {
  const words = language === "en" ? en.reports : zh.reports;
  const asked: URL[] = [];

  beforeEach(async () => {
    await startI18n(language);
    await loadAdminWords();
    asked.length = 0;
    vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined, removeEventListener: () => undefined, addListener: () => undefined, removeListener: () => undefined }));
    vi.stubGlobal("ResizeObserver", class { observe() {} unobserve() {} disconnect() {} });
    vi.stubGlobal("fetch", (path: string) => {
      const url = new URL(path, "http://centre");
      asked.push(url);
      return Promise.resolve(url.searchParams.get("format") === "json" ? Response.json(FOUND) : new Response("file"));
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    document.body.replaceChildren();
  });

  function open() {
    const session = new SessionStore(window.sessionStorage);
    session.begin("token", { user: "sup1", roles: ["supervisor"], agent: null } as never);
    render(
      <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
        <ServicesContext value={{ api: createApi(session), session }}>
          <ToastsContext value={{} as never}>
            <ReportsArea />
          </ToastsContext>
        </ServicesContext>
      </QueryClientProvider>,
    );
  }

  it("tells each row with its figures, in the words of the definitions, and charts it", async () => {
    open();
    const row = (await screen.findByText("sales")).closest<HTMLElement>("tr") ?? document.body;
    const cells = within(row).getAllByRole("cell").map((cell) => cell.textContent.replace(/\s/gu, ""));
    expect(cells).toEqual(["sales", "1,234", "81.5%", "60.3"]);
    expect(screen.getAllByText(language === "en" ? "title of talk_seconds (s)" : "talk_seconds的标题 (s)")).not.toHaveLength(0);
    expect(screen.getByText(words.without)).toBeTruthy();
    expect(screen.getByRole("img", { name: /offered/ }).querySelectorAll("rect")).toHaveLength(2);
    expect(asked[0]?.pathname).toMatch(/reports\/queues$/);
  });

  it("asks for another report with a grouping that it has, and for files of what is seen", async () => {
    URL.createObjectURL = () => "blob:x";
    URL.revokeObjectURL = () => undefined;
    const user = userEvent.setup();
    open();
    await screen.findByText("sales");
    await user.click(screen.getByText(words.kinds.agents));
    await user.click(await screen.findByRole("button", { name: words.xlsx }));
    const [path, query] = [asked.at(-1)?.pathname, asked.at(-1)?.searchParams];
    expect(path).toMatch(/reports\/agents$/);
    expect([query?.get("format"), query?.get("group_by")]).toEqual(["xlsx", "agent"]);
  });
});
