/** Child process: the trial's mail server, until its standard input ends. Says on standard output how to reach it. */
import { startSmtp } from "../../../console/trial/smtp.ts";

const [folder = "", maildir = ""] = process.argv.slice(2);
const smtp = await startSmtp({ folder, maildir });
console.log(JSON.stringify(smtp.connection));
process.stdin.resume().once("end", async () => {
  await smtp.stop();
  process.exit(0);
});
