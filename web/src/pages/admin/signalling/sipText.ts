/** A SIP message as it stands in a trace: start line, headers, body. Read leniently; a trace is for people. */

export interface SipText {
  /** Empty of a response. */
  readonly request: string;
  readonly uri: string;
  /** 0 of a request. */
  readonly status: number;
  readonly phrase: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

const COMPACT: Readonly<Record<string, string>> = {
  v: "via",
  f: "from",
  t: "to",
  i: "call-id",
  m: "contact",
  l: "content-length",
  c: "content-type",
  k: "supported",
  r: "refer-to",
  b: "referred-by",
  o: "event",
  x: "session-expires",
};

export function readSip(text: string): SipText {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [start = "", ...lines] = head.split(/\r\n(?![ \t])/);
  const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/is.exec(start);
  const [request = "", uri = ""] = response === null ? start.split(" ") : [];
  return {
    request,
    uri,
    status: Number(response?.[1] ?? 0),
    phrase: response?.[2] ?? "",
    headers: lines.map((line) => {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon < 0 ? line.length : colon).trim();
      return [COMPACT[name.toLowerCase()] ?? name.toLowerCase(), colon < 0 ? "" : line.slice(colon + 1).trim()] as const;
    }),
    body: rest.join("\r\n\r\n"),
  };
}

export function header(sip: SipText, name: string): string | undefined {
  return sip.headers.find(([each]) => each === name)?.[1];
}

/** The method that a message is about: its own, or the one that it answers. */
export function methodOf(sip: SipText): string {
  return sip.request !== "" ? sip.request : (header(sip, "cseq")?.split(/\s+/)[1] ?? "");
}

/** `INVITE`, `200 OK (INVITE)` */
export function titleOf(sip: SipText): string {
  if (sip.request !== "" || sip.status === 0) {
    return sip.request;
  }
  const method = methodOf(sip);
  return `${String(sip.status)} ${sip.phrase}${method === "" ? "" : ` (${method})`}`;
}

/** The user of the URI in an address header, else its host. */
export function userOf(address: string | undefined): string {
  const uri = /<([^>]*)>/.exec(address ?? "")?.[1] ?? address ?? "";
  const parts: readonly (string | undefined)[] = /^(?:sips?:([^@;?]+)@|tel:([^;]+)|sips?:([^;?]+))/i.exec(uri)?.slice(1) ?? [];
  return parts.find((part) => part !== undefined) ?? uri;
}

export interface Media {
  /** `audio 4000 PCMA, PCMU` */
  readonly streams: string;
  /** sendrecv, sendonly, recvonly or inactive; of the first stream */
  readonly direction: string;
  readonly encrypted: "" | "SDES" | "DTLS";
}

const STATIC: Readonly<Record<string, string>> = { "0": "PCMU", "3": "GSM", "8": "PCMA", "9": "G722", "13": "CN", "18": "G729" };

/** What a session description says, or undefined when the body is none. */
export function mediaOf(sip: SipText): Media | undefined {
  if (!/^v=0/m.test(sip.body)) {
    return undefined;
  }
  const lines = sip.body.split(/\r?\n/);
  const names = new Map(
    lines.flatMap((line) => {
      const mapped = /^a=rtpmap:(\d+) ([^/]+)/.exec(line);
      return mapped === null ? [] : [[mapped[1] ?? "", mapped[2] ?? ""] as const];
    }),
  );
  const streams = lines.flatMap((line) => {
    const stream = /^m=(\w+) (\d+) (\S+) (.*)$/.exec(line);
    if (stream === null) {
      return [];
    }
    const formats = (stream[4] ?? "").trim().split(" ").map((type) => names.get(type) ?? STATIC[type] ?? type);
    return [`${stream[1] ?? ""} ${stream[2] ?? ""} ${formats.join(", ")}`];
  });
  const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(sip.body)?.[1] ?? "sendrecv";
  const held = /^c=IN IP4 0\.0\.0\.0\s*$/m.test(sip.body);
  return {
    streams: streams.join("; "),
    direction: held ? "inactive" : direction,
    encrypted: /^a=fingerprint:/m.test(sip.body) ? "DTLS" : /RTP\/SAVP/.test(sip.body) ? "SDES" : "",
  };
}
