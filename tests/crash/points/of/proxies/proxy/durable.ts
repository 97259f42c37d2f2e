/** Commits of a proxy's own records: asked for, written and not yet durable, durable. */
import { openDurable as open } from "../../../../../../proxies/proxy/durable.ts";
import { cross } from "../../../cross.ts";

export * from "../../../../../../proxies/proxy/durable.ts";

export const openDurable: typeof open = (folder, log) => {
  const durable = open(folder, log);
  const { commit } = durable;
  const marked: typeof commit = async (work) => {
    cross("record: before");
    const value = await commit(() => {
      const value = work();
      cross("record: written");
      return value;
    });
    cross("record: durable");
    return value;
  };
  return { ...durable, commit: marked };
};
