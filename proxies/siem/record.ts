/** What leaves the log for a SIEM, and how a body is made of it. */

/** Hashes in hex: 64 digits. */
export type LogRecord =
  | {
      kind: "entry";
      index: number;
      /** RFC 6962 leaf hash of `text`. */
      leaf: string;
      /** Leaf hash of the entry before; 64 zeros before the first. */
      prev: string;
      /** The canonical JSON of the entry, as its bytes stand in the log. */
      text: string;
    }
  | { kind: "checkpoint"; size: number; root: string /** The signed note. */; note: string };

/** One line without a newline, whatever the record holds. `appliance`: the origin of the log. */
export type Format = (record: LogRecord, appliance: string) => string;
