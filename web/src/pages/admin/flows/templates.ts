/** What a new flow may begin with: small, and right as it is, but for what only this centre knows (its queue). */
import type { FlowDocument } from "./document";

const BASE = { languages: ["zh", "en"], speak: ["zh", "en"], on_error: "end" };
const END = { end: { kind: "hangup" } };

export const TEMPLATES = {
  announcement: {
    ...BASE,
    start: "tell",
    nodes: {
      tell: { kind: "say", prompt: { zh: "您好，欢迎致电。", en: "Welcome. Thank you for calling." }, next: "end" },
      ...END,
    },
  },
  menu: {
    ...BASE,
    start: "language",
    shortcuts: { "*": "main" },
    nodes: {
      language: {
        kind: "menu",
        prompt: { zh: "中文服务请按1。", en: "For English, press 2." },
        choices: { "1": "chinese", "2": "english" },
        fallback: "end",
      },
      chinese: { kind: "language", language: "zh", next: "main" },
      english: { kind: "language", language: "en", next: "main" },
      main: {
        kind: "menu",
        prompt: { zh: "营业时间请按1，返回请按星号键。", en: "For our hours press 1, to hear this again press star." },
        choices: { "1": "opening" },
        fallback: "end",
      },
      opening: {
        kind: "say",
        prompt: { zh: "营业时间为每天九点到十八点。", en: "We are open every day from nine to six." },
        next: "end",
      },
      ...END,
    },
  },
  hours: {
    ...BASE,
    start: "open",
    nodes: {
      open: { kind: "hours", calendar: "office", on_open: "people", on_closed: "closed", on_error: "people" },
      people: { kind: "queue", queue: "support", on_error: "sorry" },
      closed: {
        kind: "say",
        prompt: { zh: "现在是非营业时间，请在工作日致电。", en: "We are closed. Please call on a working day." },
        next: "end",
      },
      sorry: { kind: "say", prompt: { zh: "很抱歉，请稍后再拨。", en: "We are sorry. Please call again later." }, next: "end" },
      ...END,
    },
  },
  message: {
    ...BASE,
    start: "message",
    nodes: {
      message: {
        kind: "record",
        mailbox: "queue:support",
        prompt: { zh: "请在提示音后留言，结束请按井号键。", en: "Please leave your message after the tone, then press pound." },
        next: "thanks",
        on_empty: "end",
        on_error: "end",
      },
      thanks: { kind: "say", prompt: { zh: "留言已记录，再见。", en: "Your message is noted. Goodbye." }, next: "end" },
      ...END,
    },
  },
  survey: {
    ...BASE,
    start: "ask",
    nodes: {
      ask: {
        kind: "survey",
        survey: "satisfaction",
        questions: [
          {
            name: "service",
            scale: 5,
            prompt: { zh: "请为本次服务打分，1到5分，5分最满意。", en: "Please rate our service from 1 to 5, 5 being the best." },
          },
        ],
        next: "thanks",
        fallback: "end",
      },
      thanks: { kind: "say", prompt: { zh: "感谢您的评价，再见。", en: "Thank you. Goodbye." }, next: "end" },
      ...END,
    },
  },
  empty: { ...BASE, start: "end", nodes: END },
} as const satisfies Readonly<Record<string, FlowDocument>>;

export type TemplateName = keyof typeof TEMPLATES;
export const TEMPLATE_NAMES = Object.keys(TEMPLATES) as TemplateName[];
