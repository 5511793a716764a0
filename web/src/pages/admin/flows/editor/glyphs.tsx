/** A mark for each kind of node; one that these pages do not know has a plain one. */
import {
  ApartmentOutlined,
  AudioOutlined,
  BranchesOutlined,
  CalendarOutlined,
  CustomerServiceOutlined,
  DatabaseOutlined,
  EditOutlined,
  ExportOutlined,
  FieldTimeOutlined,
  GlobalOutlined,
  InboxOutlined,
  LikeOutlined,
  MessageOutlined,
  NumberOutlined,
  PhoneOutlined,
  PlayCircleOutlined,
  PoweroffOutlined,
  RetweetOutlined,
  RobotOutlined,
  RollbackOutlined,
  SoundOutlined,
  TableOutlined,
  TeamOutlined,
  UserSwitchOutlined,
} from "@ant-design/icons";
import type { ReactNode } from "react";

const GLYPHS: Readonly<Record<string, ReactNode>> = {
  say: <SoundOutlined />,
  play: <PlayCircleOutlined />,
  menu: <TableOutlined />,
  collect: <NumberOutlined />,
  survey: <LikeOutlined />,
  speech: <MessageOutlined />,
  record: <AudioOutlined />,
  bot: <RobotOutlined />,
  query: <DatabaseOutlined />,
  hours: <CalendarOutlined />,
  branch: <BranchesOutlined />,
  set: <EditOutlined />,
  language: <GlobalOutlined />,
  loop: <RetweetOutlined />,
  wait: <FieldTimeOutlined />,
  sub_flow: <ApartmentOutlined />,
  return: <RollbackOutlined />,
  queue: <CustomerServiceOutlined />,
  transfer: <ExportOutlined />,
  call_back: <PhoneOutlined />,
  messages: <InboxOutlined />,
  conference: <TeamOutlined />,
  agent: <UserSwitchOutlined />,
  hangup: <PoweroffOutlined />,
};

export function Glyph({ kind }: { readonly kind: string }) {
  return (
    <span className="flow-glyph" aria-hidden="true">
      {GLYPHS[kind] ?? "◇"}
    </span>
  );
}

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  talk: ["say", "play", "menu", "collect", "speech", "survey", "record", "bot"],
  decide: ["branch", "hours", "query", "set", "language", "loop", "wait", "sub_flow", "return"],
  hand: ["queue", "transfer", "call_back", "messages", "conference", "agent", "echo", "hangup"],
};

/** The kinds of the schema in the order of the palette; those that are new to these pages stand last. */
export function grouped(kinds: readonly string[]): readonly (readonly ["talk" | "decide" | "hand" | "more", readonly string[]])[] {
  const placed = new Set(Object.values(GROUPS).flat());
  const of = (group: string) => (GROUPS[group] ?? []).filter((kind) => kinds.includes(kind));
  return [
    ["talk", of("talk")],
    ["decide", of("decide")],
    ["hand", of("hand")],
    ["more", kinds.filter((kind) => !placed.has(kind))],
  ];
}
