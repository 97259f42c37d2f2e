/** Commits of the kernel's store, by what they write into the audit log about tasks: before they are durable, and after. */
import type { Entry } from "../../../../../kernel/abi/entry.ts";
import { openStore as open } from "../../../../../kernel/store.ts";
import { cross } from "../../cross.ts";

export * from "../../../../../kernel/store.ts";

export const openStore: typeof open = (folder) => {
  const store = open(folder);
  const { transaction, audit } = store;
  const { put } = audit;
  let written: string[] = [];
  audit.put = (index, record) => {
    put(index, record);
    const { verb, task, capability } = JSON.parse(record.entry) as Entry;
    if (task !== undefined) written.push(`commit of ${verb}${capability === undefined ? "" : ` ${capability}`}`);
  };
  store.transaction = (work) => {
    written = [];
    const value = transaction(() => {
      const value = work();
      for (const point of written) cross(`${point}: before`);
      return value;
    });
    for (const point of written) cross(`${point}: after`);
    return value;
  };
  return store;
};
