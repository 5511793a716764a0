// @vitest-environment jsdom
import { render, screen } from "@testing-library/react";
import { beforeAll, expect, it } from "vitest";
import { startI18n } from "../../../../i18n";
import { DifferenceList } from "./DifferenceList";

beforeAll(() => startI18n("en"));

it("tells prompts as words and recordings by name, and what is no prompt as it stands", () => {
  const field = (path: string, before: unknown, after: unknown) => ({ path, before, after });
  render(
    <DifferenceList
      found={
        {
          added: [],
          removed: [],
          changed: [
            {
              node: "tell",
              kind: "say",
              fields: [
                field("prompt.zh", "您好。", [{ recording: "hello" }, { text: "再见" }]),
                field("cases", [{ when: "a == b", next: "end" }], null),
              ],
            },
          ],
          fields: [field("recordings", null, { hello: { zh: "c0924104edc42aa2845dca55b8c378fe" } })],
        }
      }
    />,
  );
  expect(screen.getByText("{hello} 再见")).toBeTruthy();
  expect(screen.getByText('[{"when":"a == b","next":"end"}]')).toBeTruthy();
  expect(screen.getByText("hello zh c0924104")).toBeTruthy();
});
