/** The slot of a new case's key: before it is written, written and not yet flushed, durable. */
import { openCaseKeys as open } from "../../../../../../proxies/vault/case-keys.ts";
import { crossing } from "../../../cross.ts";

export * from "../../../../../../proxies/vault/case-keys.ts";

export const openCaseKeys: typeof open = (path, master, random) => {
  const keys = open(path, master, random);
  const { create } = keys;
  return Object.assign(keys, { create: (caseId: string) => crossing("slot of a case", () => create(caseId)) });
};
