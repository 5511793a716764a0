import type { LiveAlarm } from "../live/types";

/** Urgent before non-urgent, not yet seen before seen, then the oldest first. */
export function inOrder(alarms: Iterable<LiveAlarm>): LiveAlarm[] {
  const rank = (alarm: LiveAlarm) =>
    (alarm.severity === "urgent" ? 0 : 2) + (alarm.acknowledged_by === null ? 0 : 1);
  return [...alarms].sort((one, other) => rank(one) - rank(other) || one.since.localeCompare(other.since));
}
