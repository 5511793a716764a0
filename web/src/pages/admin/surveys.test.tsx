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
import { SurveysArea } from "./SurveysArea";

configure({ asyncUtilTimeout: 20_000 }); // which only ends a run that fails

const ROW = { survey: "satisfaction", question: "service", scale: 5, asked: 4, answered: 3, share_answered: 0.75, mean: 4.333, lowest: 3, highest: 5 };
const UNANSWERED = { survey: "satisfaction", question: "", scale: null, asked: 1, answered: 0, share_answered: 0, mean: null, lowest: null, highest: null };

describe.each(["en", "zh"] as const)("the report of surveys in %s", { timeout: 60_000 }, (language) => {
  const words = language === "en" ? en.surveys : zh.surveys;
  const asked: URLSearchParams[] = [];
  let answers: (() => Response)[] = [];

  beforeEach(async () => {
    await startI18n(language);
    await loadAdminWords();
    asked.length = 0;
    vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined, removeEventListener: () => undefined }));
    vi.stubGlobal("fetch", (path: string) => {
      asked.push(new URL(path, "http://centre").searchParams);
      return Promise.resolve(answers.shift()?.() ?? Response.json({}, { status: 500 }));
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
            <SurveysArea />
          </ToastsContext>
        </ServicesContext>
      </QueryClientProvider>,
    );
  }

  it("tells each question with its figures, and is grouped anew", async () => {
    answers = [
      () => Response.json({ items: [{ queue: "sales", ...ROW }, { queue: "", ...UNANSWERED }] }),
      () => Response.json({ items: [{ agent: "1001", ...ROW }] }),
    ];
    open();
    const row = (await screen.findByText("sales")).closest("tr");
    expect(within(row ?? document.body).getByText("75 %")).toBeDefined();
    expect(within(row ?? document.body).getByText(/4\.33/)).toBeDefined();
    expect(within(row ?? document.body).getByText("3–5")).toBeDefined();
    expect(screen.getByText(words.without)).toBeDefined();
    await userEvent.click(screen.getByText(words.grouping.agent));
    await screen.findByText("1001");
    expect(asked.map((query) => query.get("group_by"))).toEqual(["queue", "agent"]);
  });

  it("says when nobody was asked", async () => {
    answers = [() => Response.json({ items: [] })];
    open();
    await screen.findByText(words.none);
  });

  it("says when the server fails, and asks again", async () => {
    answers = [() => Response.json({ code: "internal_error", detail: "" }, { status: 500 }), () => Response.json({ items: [] })];
    open();
    await userEvent.click(await screen.findByRole("button", { name: language === "en" ? /Try again/ : /重\s*试/ }));
    await screen.findByText(words.none);
  });
});
