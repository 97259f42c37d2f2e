/**
 * Every bound that more than one process relies on, with its unit last in the name.
 *
 * Inner bounds exceed outer bounds times their expansion, so that nothing a stranger sends can make kin break a
 * bound of their own: a body of 64 KiB grows at most six-fold when JSON escapes it (`\u0000`), may travel twice in
 * one frame (tokenised and hydrated), and a token may be replaced by a longer value.
 */

/** Body of one call a cell sends to the door. */
export const CALL_BYTES_MAX = 64 * 1024;
/** Body of one submission a frontend sends to ingress. */
export const SUBMISSION_BYTES_MAX = 64 * 1024;
/** Nesting of objects and arrays in anything a stranger sends. */
export const JSON_DEPTH_MAX = 16;
/** Free text of people and agents between kin, in characters: six times a stranger's body (JSON escapes, tokens for short names). */
export const TEXT_CHARS_MAX = 6 * 64 * 1024;
/** One named field of a submission or an answer between kin, in characters. */
export const FIELD_CHARS_MAX = 64 * 1024;
/** Canonical JSON of the value one proxy returns for one call. */
export const RESULT_BYTES_MAX = 256 * 1024;
/** One hydrated value: a name, an address, a line. */
export const VALUE_CHARS_MAX = 1024;
/** Sealed token-table entries of one case, all together. */
export const CASE_TABLE_BYTES_MAX = 1024 * 1024;
/** Payload of one frame between kin. */
export const FRAME_BYTES_MAX = 8 * 1024 * 1024;
/** Nesting of one frame: what a stranger sent (JSON_DEPTH_MAX), wrapped. */
export const FRAME_DEPTH_MAX = 32;
/** Requests one connection may have in flight before the receiver stops reading. */
export const IN_FLIGHT_MAX = 1024;
/** Tokens one call is logged with. They, its fields and all else of an entry stay below ENTRY_BYTES_MAX. */
export const LOGGED_TOKENS_MAX = 1024;
/** Field names one call is logged with. */
export const LOGGED_FIELDS_MAX = 400;
/** Canonical JSON of one audit entry: its length is two bytes in an entry bundle (C2SP tlog-tiles). */
export const ENTRY_BYTES_MAX = 65_535;
/** Steps (calls) of one assignment. */
export const STEPS_MAX = 10_000;
/** Effects with an unknown outcome that are shown of one task at once. */
export const UNKNOWN_SHOWN_MAX = 100;
/** Slots for cells on one machine; the width of a uid range is UIDS_PER_SLOT. */
export const SLOTS_MAX = 100;
/** First host uid of the cells' range: systemd-nspawn's own range begins here (systemd UIDS-GIDS.md). */
export const CELL_UID_BASE = 524_288;
/** Host uids that belong to one slot. */
export const UIDS_PER_SLOT = 65_536;
/** A lease that is not renewed for so long is dead. */
export const LEASE_MS = 15_000;
/** One key in compact form. */
export const KEY_CHARS_MAX = 16 * 1024;
/** Longest life of a task key; it is renewed while the lease lives. */
export const TASK_KEY_SECONDS_MAX = 20 * 60;
/** Longest life of a base key; it rotates daily. */
export const BASE_KEY_SECONDS_MAX = 24 * 60 * 60;
/** A permit is refused by its proxy after so long. */
export const PERMIT_MS = 30_000;
/** So long after its latest permit a call may still happen: the permit's life, and the time a proxy and what is behind it may take. */
export const UNSETTLED_MS = 2 * PERMIT_MS;
