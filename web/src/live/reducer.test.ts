import { describe, expect, it } from "vitest";
import { agent, call, event, heartbeat, queue, snapshot } from "../testing/messages";
import { EMPTY_VIEW, isServerMessage, reduce, resumeFrom, type LiveView } from "./reducer";
import type { ServerMessage } from "./types";

function fold(...messages: ServerMessage[]): LiveView {
  return messages.reduce(reduce, EMPTY_VIEW);
}

describe("reduce", () => {
  it("is the snapshot and then the rows of every event", () => {
    const view = fold(
      snapshot("e1", 10, { agents: [agent("1001"), agent("1002")], queues: [queue("support")] }),
      event(12, [
        { collection: "agents", id: "1001", row: agent("1001", { state: "ready", seat: "seat-01" }) },
        { collection: "queues", id: "support", row: queue("support", { waiting: 1 }) },
      ]),
      event(13, [{ collection: "calls", id: "c1", row: call("c1") }]),
    );
    expect(view.seq).toBe(13);
    expect(view.rows.agents.get("1001")?.state).toBe("ready");
    expect(view.rows.agents.get("1002")?.state).toBe("signed_out");
    expect(view.rows.queues.get("support")?.waiting).toBe(1);
    expect([...view.rows.calls.keys()]).toEqual(["c1"]);
  });

  it("removes a row that became null", () => {
    const view = fold(snapshot("e1", 1, { calls: [call("c1")] }), event(2, [{ collection: "calls", id: "c1", row: null }]));
    expect(view.rows.calls.size).toBe(0);
  });

  it("keeps rows in their places", () => {
    const view = fold(
      snapshot("e1", 1, { agents: [agent("1"), agent("2"), agent("3")] }),
      event(2, [{ collection: "agents", id: "2", row: agent("2", { state: "ready" }) }]),
    );
    expect([...view.rows.agents.keys()]).toEqual(["1", "2", "3"]);
  });

  it("leaves untouched collections the same objects, so that their tables need no drawing", () => {
    const before = fold(snapshot("e1", 1, { agents: [agent("1")], queues: [queue("q")] }));
    const after = reduce(before, event(2, [{ collection: "agents", id: "1", row: agent("1", { state: "ready" }) }]));
    expect(after.rows.queues).toBe(before.rows.queues);
    expect(after.rows.agents).not.toBe(before.rows.agents);
  });

  it("forgets everything at a new snapshot", () => {
    const view = fold(snapshot("e1", 900, { calls: [call("old")] }), snapshot("e2", 3, { calls: [call("new")] }));
    expect([view.epoch, view.seq]).toEqual(["e2", 3]);
    expect([...view.rows.calls.keys()]).toEqual(["new"]);
  });

  it("passes over events that the snapshot holds already", () => {
    const view = fold(
      snapshot("e1", 10, { agents: [agent("1", { state: "talking" })] }),
      event(9, [{ collection: "agents", id: "1", row: agent("1", { state: "ready" }) }]),
    );
    expect(view.rows.agents.get("1")?.state).toBe("talking");
  });

  it("takes the turn of the day, which has no number of its own", () => {
    const view = fold(
      snapshot("e1", 10, { queues: [queue("q", { answered_today: 45 })] }),
      event(10, [{ collection: "queues", id: "q", row: queue("q") }], "DayTurned"),
    );
    expect(view.rows.queues.get("q")?.answered_today).toBe(0);
  });

  it("takes the rows of facts that it does not know, and nothing from unknown collections and messages", () => {
    const strange = [
      { collection: "agents", id: "1", row: agent("1", { state: "ready" }) },
      { collection: "robots", id: "r2", row: { id: "r2" } },
    ] as never;
    const view = fold(
      snapshot("e1", 1, { agents: [agent("1")] }),
      event(2, strange, "SomethingNew"),
      { type: "advice", text: "new" } as never,
    );
    expect(view.seq).toBe(2);
    expect(view.rows.agents.get("1")?.state).toBe("ready");
    expect(Object.keys(view.rows)).toEqual(["agents", "queues", "calls", "seats", "alarms"]);
  });

  it("changes nothing by events before the first snapshot", () => {
    expect(fold(event(5, [{ collection: "calls", id: "c", row: call("c") }]))).toBe(EMPTY_VIEW);
  });

  it("knows from the heartbeat that the server's own figures stand still", () => {
    expect(fold(snapshot("e1", 1), heartbeat("e1", 1, false)).linked).toBe(false);
    expect(fold(snapshot("e1", 1), heartbeat("e1", 1, false), heartbeat("e1", 1)).linked).toBe(true);
  });
});

describe("resumeFrom", () => {
  it("asks for a snapshot when there is no view", () => {
    expect(resumeFrom(EMPTY_VIEW)).toBeNull();
  });

  it("goes on after the last event, or after what a heartbeat vouched for", () => {
    expect(resumeFrom(fold(snapshot("e1", 10), event(12)))).toEqual({ epoch: "e1", seq: 12 });
    expect(resumeFrom(fold(snapshot("e1", 10), event(12), heartbeat("e1", 40)))).toEqual({ epoch: "e1", seq: 40 });
  });

  it("asks for a snapshot after a heartbeat of another run", () => {
    const view = fold(snapshot("e1", 10), heartbeat("e2", 2));
    expect(view.lost).toBe(true);
    expect(resumeFrom(view)).toBeNull();
    expect(reduce(view, snapshot("e2", 2)).lost).toBe(false);
  });
});

describe("isServerMessage", () => {
  it.each([null, 7, "snapshot", {}, { type: "advice" }, { type: "event", seq: 1 }, { type: "snapshot", epoch: "e" }])(
    "refuses %j",
    (value) => {
      expect(isServerMessage(value)).toBe(false);
    },
  );

  it("knows the three messages", () => {
    expect([snapshot("e", 1), event(2), heartbeat("e", 2)].every(isServerMessage)).toBe(true);
  });
});
