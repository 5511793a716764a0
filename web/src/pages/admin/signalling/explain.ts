/** A message in words: what it asks or answers, what its noted headers do, why it was repeated. Pure. */
import type { Language } from "../../../i18n";
import en from "../../../i18n/sip.en.json";
import zh from "../../../i18n/sip.zh.json";
import type { Rung } from "./ladder";
import { header, mediaOf, methodOf, userOf, type SipText } from "./sipText";

type Texts = Readonly<Record<"method" | "class" | "status" | "header" | "body" | "again", Readonly<Record<string, string>>>> & {
  readonly waited: string;
};

const TEXTS: Readonly<Record<Language, Texts>> = { en, zh };

export interface Explanation {
  /** The first says what the message is. */
  readonly sentences: readonly string[];
  /** Headers worth a remark, in the order of the message. */
  readonly headers: readonly { readonly name: string; readonly remark: string }[];
}

const LONGEST_VALUE = 120;

export function explain({ sip, repeats, waited, message }: Pick<Rung, "sip" | "repeats" | "waited" | "message">, language: Language): Explanation {
  const texts = TEXTS[language];
  return {
    sentences: [
      sip.status === 0 ? request(sip, texts) : response(sip, texts),
      ...(waited === undefined ? [] : [filled(texts.waited, { ms: String(Math.round(waited)) })]),
      ...body(sip, texts),
      ...again(repeats, sip.status !== 0, texts, message.transport),
    ],
    headers: sip.headers.flatMap(([name, value]) => {
      const remark = texts.header[name];
      return remark === undefined ? [] : [{ name, remark: filled(remark, { value: shortened(value) }) }];
    }),
  };
}

function request(sip: SipText, texts: Texts): string {
  const { method } = texts;
  const words = {
    caller: userOf(header(sip, "from")),
    called: userOf(header(sip, "to")),
    target: userOf(header(sip, "refer-to")),
  };
  const inDialog = /;\s*tag=/i.test(header(sip, "to") ?? "");
  const kind =
    sip.request === "INVITE" && inDialog
      ? isHold(sip)
        ? "hold"
        : "reINVITE"
      : sip.request === "REGISTER" && isUnregister(sip)
        ? "unregister"
        : sip.request;
  return filled(method[kind] ?? method.other ?? "", words);
}

function response(sip: SipText, texts: Texts): string {
  const status = String(sip.status);
  return (
    texts.status[`${status}.${methodOf(sip)}`] ??
    texts.status[status] ??
    texts.class[status.slice(0, 1)] ??
    ""
  );
}

function body(sip: SipText, texts: Texts): string[] {
  const media = mediaOf(sip);
  if (media === undefined) {
    const late = sip.request === "INVITE" && sip.body === "";
    const dtmf = (header(sip, "content-type") ?? "").toLowerCase().includes("dtmf");
    return [...(late ? [texts.body.late ?? ""] : []), ...(dtmf ? [texts.body.dtmf ?? ""] : [])];
  }
  const offered = sip.status === 0 && sip.request !== "ACK" && sip.request !== "PRACK";
  return [
    filled(texts.body[offered ? "offer" : "answer"] ?? "", { media: media.streams }),
    ...(media.direction === "sendrecv" ? [] : [filled(texts.body.held ?? "", { direction: media.direction })]),
    ...(media.encrypted === "" ? [] : [filled(texts.body.srtp ?? "", { how: media.encrypted })]),
  ];
}

function again(repeats: readonly number[], answer: boolean, texts: Texts, transport: string): string[] {
  if (repeats.length === 0 || (transport !== "UDP" && !answer)) {
    return [];
  }
  const kind = answer ? "answer" : repeats.length === 1 ? "one" : "many";
  const times = repeats.map((ms) => `${(ms / 1000).toFixed(ms < 1000 ? 2 : 1)} s`).join(", ");
  return [filled(texts.again[kind] ?? "", { count: String(repeats.length), times })];
}

function isHold(sip: SipText): boolean {
  const direction = mediaOf(sip)?.direction;
  return direction === "sendonly" || direction === "inactive";
}

function isUnregister(sip: SipText): boolean {
  return header(sip, "expires") === "0" || /;\s*expires=0\b/i.test(header(sip, "contact") ?? "");
}

function shortened(value: string): string {
  return value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}…` : value;
}

function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_all, name: string) => values[name] ?? "");
}
