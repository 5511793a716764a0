// @vitest-environment jsdom
import i18next from "i18next";
import { describe, expect, it } from "vitest";
import generated from "../../openapi.json";
import adminEn from "./admin.en.json";
import adminZh from "./admin.zh.json";
import desk from "./en.json";
import { loadAdminWords, preferredLanguage, rememberLanguage, speak, startI18n } from "./index";
import deskZh from "./zh.json";

const en = { ...desk, ...adminEn };
const zh = { ...deskZh, ...adminZh };

function leaves(tree: object, path = ""): Map<string, string> {
  return new Map(
    Object.entries(tree).flatMap(([key, value]: [string, unknown]) =>
      typeof value === "object" && value !== null
        ? [...leaves(value, `${path}${key}.`)]
        : [[`${path}${key}`, String(value)] as const],
    ),
  );
}

const placeholders = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

describe("the texts", () => {
  const english = leaves(en);
  const chinese = leaves(zh);

  it("exist in both languages", () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it("say the same figures in both", () => {
    for (const [key, text] of english) {
      expect(placeholders(chinese.get(key) ?? ""), key).toEqual(placeholders(text));
    }
  });

  it("are nowhere empty, and Chinese where Chinese is due", () => {
    for (const [key, text] of chinese) {
      expect(text.trim(), key).not.toBe("");
      if (!["field.mos"].includes(key)) {
        expect(text, key).toMatch(/\p{Script=Han}/u);
      }
    }
  });

  it("stand in one place only", () => {
    expect(Object.keys(desk).filter((group) => group in adminEn)).toEqual([]);
  });

  it("use the words of the field", () => {
    expect([zh.agents.title, zh.queues.title, zh.state.wrap_up, zh.queues.serviceLevel]).toEqual([
      "座席",
      "技能组",
      "话后处理",
      "服务水平",
    ]);
  });

  it.each([
    ["AgentState", en.state],
    ["CallStage", en.stage],
    ["Outcome", en.outcome],
    ["Verdict", en.verdict],
    ["Severity", en.severity],
    ["Role", en.role],
    ["RecordingMode", en.recordingMode],
    ["Direction", en.direction],
  ] as const)("name every %s of the API", (schema, words) => {
    expect(Object.keys(words)).toEqual(expect.arrayContaining(generated.components.schemas[schema].enum));
  });
});

describe("the administration's words", () => {
  it("come with its pages and follow the language from then on", async () => {
    await startI18n("en");
    expect(i18next.exists("audit.verify")).toBe(false);
    await loadAdminWords();
    expect(i18next.t("audit.verify")).toBe(en.audit.verify);
    await speak("zh");
    expect(i18next.t("audit.verify")).toBe(zh.audit.verify);
  });
});

describe("the language", () => {
  it("is what the browser asks for first", () => {
    window.localStorage.clear();
    expect(preferredLanguage(window.localStorage, ["zh-TW", "en"])).toBe("zh");
    expect(preferredLanguage(window.localStorage, ["de", "en-GB", "zh"])).toBe("en");
    expect(preferredLanguage(window.localStorage, ["de"])).toBe("en");
  });

  it("stays what was chosen", () => {
    rememberLanguage(window.localStorage, "zh");
    expect(preferredLanguage(window.localStorage, ["en"])).toBe("zh");
  });
});
