/** Bounds of the kv proxy, units last. */

/** Keys one case may hold at once. */
export const CASE_KEYS_MAX = 1000;
/** One stored value as the vault sealed it: an argument of 8,192 characters is at most 32,807 bytes then. */
export const VALUE_BYTES_MAX = 40 * 1024;
/** All keys and sealed values of one case, in bytes: a thousand full cases are about 16 GiB of disk. */
export const CASE_BYTES_MAX = 16 * 1024 * 1024;
/** Items of one list. */
export const LIST_ITEMS_MAX = 1000;
