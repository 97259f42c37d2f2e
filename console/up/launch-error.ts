/** A start that cannot go on, for a reason a person can mend; the message says which and how. */
export class LaunchError extends Error {
  override name = "LaunchError";
}
