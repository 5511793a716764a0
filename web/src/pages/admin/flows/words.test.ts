import { describe, expect, it } from "vitest";
import en from "../../../i18n/flows.en.json";
import zh from "../../../i18n/flows.zh.json";
import { fill } from "../../../i18n/places";
import { exitName, fieldPath, reasonWords } from "./words";

function leaves(tree: object, path = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]: [string, unknown]) =>
    typeof value === "object" && value !== null ? leaves(value, `${path}${key}.`) : [[`${path}${key}`, String(value)]],
  );
}

const places = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((found) => found[1]).sort();

describe("the words of the flow designer", () => {
  const english = new Map(leaves(en));
  const chinese = new Map(leaves(zh));

  it("are there in both languages, Chinese where Chinese is due", () => {
    expect([...chinese.keys()]).toEqual([...english.keys()]);
    for (const [key, text] of chinese) {
      expect(text, key).toMatch(/\p{Script=Han}|^queue:/u);
      expect(places(text), key).toEqual(places(english.get(key) ?? ""));
    }
  });

  it("name exits and fields", () => {
    expect(exitName(en, "choices.2")).toBe("key 2");
    expect(exitName(en, "cases.0.next")).toBe("case 1");
    expect(exitName(en, "choices.+")).toBe("key · one more …");
    expect(exitName(en, "on_brand_new")).toBe("on brand new");
    expect(fieldPath(en, "nodes.menu.questions.0.prompt.zh")).toBe("Questions › 1 › Prompt › zh");
  });

  it("say the server's usual reasons, and others as they came", () => {
    expect(reasonWords(zh, "there is no node 'x'")).toBe("没有节点 x");
    expect(reasonWords(zh, "nothing sets the variable 'card'")).toBe("读取了从未赋值的变量 card");
    expect(reasonWords(en, "Value error, min is greater than max")).toBe("min is greater than max");
    expect(fill("{{a}} of {{b}}", { a: 1, b: 2 })).toBe("1 of 2");
  });
});
