/** Events: a closed list (the transition map speaks of nothing else). */
export const events = [
  "TaskCreated",
  "Assigned",
  "Completed",
  "Escalated",
  "Failed",
  "TimedOut",
  "HandedBack",
  "SubtaskCreated",
  "CaseClosed",
  "RoleOffline",
  "RoleOnline",
  "Scheduled",
] as const;

export type Event = (typeof events)[number];
