// @vitest-environment jsdom
import { fireEvent, render } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import "../../../i18n";
import en from "../../../i18n/sip.en.json";
import zh from "../../../i18n/sip.zh.json";
import { explain } from "./explain";
import { merged } from "./filters";
import { ladder, type Message } from "./ladder";
import { SipLadder } from "./SipLadder";
import { mediaOf, readSip, titleOf, userOf } from "./sipText";

const BEGIN = Date.parse("2026-01-05T09:00:00.000Z");
const SDP = "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

function text(start: string, cseq: string, extra = "", body = ""): string {
  return `${start}\r\nFrom: <sip:13800000001@10.0.0.1>;tag=1\r\nTo: <sip:95001@cc>\r\nCSeq: ${cseq}\r\n${extra}\r\n${body}`;
}

function message(ms: number, text: string, outgoing = false, remote = "10.0.0.1:5060"): Message {
  return {
    number: ms + 1,
    at: new Date(BEGIN + ms).toISOString(),
    outgoing,
    transport: "UDP",
    local: "10.0.0.2:5060",
    remote,
    method: "",
    status: null,
    call_id: remote,
    caller: "",
    called: "",
    contact: null,
    text,
  };
}

const INVITE = text("INVITE sip:95001@cc SIP/2.0", "1 INVITE", "", SDP);
const OK = text("SIP/2.0 200 OK", "1 INVITE");

describe("the ladder", () => {
  const drawn = ladder([
    message(0, INVITE),
    message(500, INVITE),
    message(1500, INVITE),
    message(1520, text("SIP/2.0 100 Trying", "1 INVITE"), true),
    message(1600, text("INVITE sip:8004@10.0.0.9 SIP/2.0", "1 INVITE").replace("sip:95001@cc", "sip:8004@cc"), true, "10.0.0.9:5062"),
    message(2600, OK, true),
  ]);

  it("has the platform between the caller and everybody else, by their numbers", () => {
    expect(drawn.lanes.map(({ address, name }) => `${address} ${name}`)).toEqual([
      "10.0.0.1:5060 13800000001",
      " ",
      "10.0.0.9:5062 8004",
    ]);
  });

  it("draws each message from its sender to its receiver, repeated ones once", () => {
    expect(drawn.rungs.map(({ from, to, title, repeats }) => [from, to, title, repeats])).toEqual([
      [0, 1, "INVITE", [500, 1500]],
      [1, 0, "100 Trying (INVITE)", []],
      [1, 2, "INVITE", []],
      [1, 0, "200 OK (INVITE)", []],
    ]);
  });

  it("tells the times between messages, and from a request to its answers", () => {
    expect(drawn.rungs.map(({ gap, waited }) => [gap, waited])).toEqual([
      [undefined, undefined],
      [1520, 1520],
      [80, undefined],
      [1000, 2600],
    ]);
  });

  it("does not take what comes much later for a repetition", () => {
    const keepAlive = text("OPTIONS sip:cc SIP/2.0", "1 OPTIONS");
    expect(ladder([message(0, keepAlive), message(60_000, keepAlive)]).rungs).toHaveLength(2);
  });

  it("is empty without messages, and survives messages that are none", () => {
    expect(ladder([]).rungs).toEqual([]);
    for (const nonsense of ["", "\r\n\r\n", "SIP/2.0", "x".repeat(9), ":\r\n:"]) {
      expect(ladder([message(0, nonsense)]).rungs).toHaveLength(1);
    }
  });

  it("is walked by arrow keys", () => {
    render(<SipLadder messages={[message(0, INVITE), message(10, OK, true)]} begin={new Date(BEGIN).toISOString()} />);
    const [first, second] = [...document.querySelectorAll("summary")];
    first?.focus();
    fireEvent.keyDown(document.activeElement ?? document.body, { key: "ArrowDown" });
    expect(document.activeElement).toBe(second);
    fireEvent.keyDown(document.activeElement ?? document.body, { key: "ArrowUp" });
    expect(document.activeElement).toBe(first);
  });
});

afterEach(() => {
  document.body.replaceChildren();
});

describe("a message", () => {
  const told = (text: string, repeats: readonly number[] = [], outgoing = false) => {
    const sip = readSip(text);
    return explain({ sip, repeats, waited: undefined, message: message(0, text, outgoing) }, "en");
  };

  it("is read with compact and folded headers", () => {
    const sip = readSip("SIP/2.0 486 Busy Here\r\nf: <sip:a@b>\r\nReason: Q.850;\r\n cause=17\r\nCSeq: 1 INVITE\r\n\r\n");
    expect(titleOf(sip)).toBe("486 Busy Here (INVITE)");
    expect(sip.headers[0]).toEqual(["from", "<sip:a@b>"]);
    expect(sip.headers[1]?.[1]).toContain("cause=17");
  });

  it.each([
    ['"x" <sip:13800000001@10.0.0.1;user=phone>;tag=1', "13800000001"],
    ["<tel:+8613800000001;phone-context=cn>", "+8613800000001"],
    ["<sip:10.0.0.1:5060>", "10.0.0.1:5060"],
    ["nonsense", "nonsense"],
  ])("knows the user of %s", (address, user) => {
    expect(userOf(address)).toBe(user);
  });

  it("says who calls whom, with which media", () => {
    expect(told(INVITE).sentences).toEqual([
      "Asks for a new call from 13800000001 to 95001.",
      "Offers media: audio 4000 PCMA, telephone-event.",
    ]);
  });

  it("says why it was sent again", () => {
    expect(told(INVITE, [500]).sentences.at(-1)).toContain("Sent once more after 0.50 s");
    expect(told(INVITE, [500, 1500]).sentences.at(-1)).toContain("Sent 2 times more, after 0.50 s, 1.5 s");
    expect(told(OK, [500], true).sentences.at(-1)).toContain("This answer was sent again");
  });

  it("tells a hold from any other change, and a new call without an offer", () => {
    const within = (body: string) => text("INVITE sip:95001@cc SIP/2.0", "2 INVITE", "", body).replace("<sip:95001@cc>", "<sip:95001@cc>;tag=2");
    expect(told(within(SDP)).sentences[0]).toBe(en.method.reINVITE);
    expect(told(within(`${SDP}a=sendonly\r\n`)).sentences[0]).toBe(en.method.hold);
    expect(told(text("INVITE sip:95001@cc SIP/2.0", "1 INVITE")).sentences).toContain(en.body.late);
  });

  it("tells a registration from its end", () => {
    const register = (expires: string) => told(text("REGISTER sip:cc SIP/2.0", "1 REGISTER", `Expires: ${expires}\r\n`)).sentences[0];
    expect(register("300")).toContain("can be reached");
    expect(register("0")).toContain("no longer");
  });

  it("explains a status by the method that it answers, else by its class", () => {
    expect(told(OK).sentences[0]).toBe(en.status["200.INVITE"]);
    expect(told(text("SIP/2.0 200 OK", "1 BYE")).sentences[0]).toBe(en.status["200.BYE"]);
    expect(told(text("SIP/2.0 499 Strange", "1 INVITE")).sentences[0]).toBe(en.class["4"]);
  });

  it("remarks on headers that matter", () => {
    const refused = text("SIP/2.0 503 Busy", "1 INVITE", `Retry-After: 5\r\nX-Other: 1\r\nReason: ${"x".repeat(500)}\r\n`);
    const [retry, reason] = told(refused).headers;
    expect(retry).toEqual({ name: "retry-after", remark: "Try again after 5 s at the earliest." });
    expect(reason?.remark.length).toBeLessThan(200);
    expect(told(refused).headers).toHaveLength(2);
  });

  it("shows encryption and direction of media", () => {
    expect(mediaOf(readSip(text("x", "1 x", "", "v=0\r\nm=audio 1 RTP/SAVP 0\r\na=inactive\r\n")))).toEqual({
      streams: "audio 1 PCMU",
      direction: "inactive",
      encrypted: "SDES",
    });
    expect(mediaOf(readSip(OK))).toBeUndefined();
  });
});

describe("the explanations", () => {
  const leaves = (tree: object, path = ""): [string, string][] =>
    Object.entries(tree).flatMap(([key, value]: [string, unknown]) =>
      typeof value === "object" && value !== null ? leaves(value, `${path}${key}/`) : [[`${path}${key}`, String(value)]],
    );
  const english = new Map(leaves(en));
  const chinese = new Map(leaves(zh));

  it("exist in both languages with the same figures", () => {
    expect([...chinese.keys()]).toEqual([...english.keys()]);
    const figures = (text = "") => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();
    for (const [key, text] of english) {
      expect(figures(chinese.get(key)), key).toEqual(figures(text));
      expect(chinese.get(key), key).toMatch(/\p{Script=Han}/u);
    }
  });
});

it("lays filters over one another and drops emptied ones", () => {
  expect(merged({ method: "BYE", caller: "1" }, { caller: "", trunk: "pstn" })).toEqual({ method: "BYE", trunk: "pstn" });
});
