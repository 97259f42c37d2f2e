/** submit_sm: before it is sent, sent, answered. */
import { openSession as open } from "../../../../../../proxies/sms/session.ts";
import { crossing } from "../../../cross.ts";

export * from "../../../../../../proxies/sms/session.ts";

export const openSession: typeof open = async (credential, take) => {
  const session = await open(credential, take);
  const { submit } = session;
  return { ...session, submit: (...message) => crossing("submit_sm sent", () => submit(...message)) };
};
