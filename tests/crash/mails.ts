/** What the mail server of the trial accepted. */
import { readdirSync, readFileSync } from "node:fs";

const MAILDIR = "/var/silo/mail/new";
/** Of the trace field the server adds (RFC 5321, 4.4): its own id of what it accepted in one DATA. */
const ACCEPTED_AS = /^\s+by \S+ \(OpenSMTPD\) with ESMTP id (\S+)/m;

/** Reads a maildir again and again, each mail once. */
export function openMails(): { texts(): string[] } {
  const texts = new Map<string, string>();
  const seen = new Set<string>();
  return {
    /**
     * The text of every message the server accepted. One it accepted once and delivered twice, because it was killed between the mailbox
     * and its queue, is one: that is the server's own doing.
     */
    texts() {
      for (const name of namesIn(MAILDIR).filter((name) => !seen.has(name))) {
        const mail = readFileSync(`${MAILDIR}/${name}`, "latin1").replaceAll("\r\n", "\n");
        texts.set(ACCEPTED_AS.exec(mail)?.[1] ?? name, mail.slice(mail.indexOf("\n\n")).trim());
        seen.add(name);
      }
      return [...texts.values()];
    },
  };
}

/** The maildir gets its folders with its first mail. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
