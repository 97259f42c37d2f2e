/** `inside.ts EVENTS KILLS json|text [RECEIVER…]`, inside the build root. */
import { receiverNames } from "./receivers.ts";
import { sendThrough } from "./through.ts";

const [events, kills, as, ...named] = process.argv.slice(2);
for (const receiver of receiverNames.filter((name) => named.length === 0 || named.includes(name))) {
  try {
    const came = await sendThrough(receiver, Number(events), Number(kills));
    const { there, again, dropped, rss_mib, seconds } = came;
    const text = `${there} of ${came.events} events at ${receiver}, in order and proven; ${again} came again, ${dropped} dropped, ${came.kills} kills, ${rss_mib} MiB, ${seconds} s`;
    console.log(as === "json" ? JSON.stringify(came) : text);
  } catch (error) {
    console.log(
      as === "json"
        ? JSON.stringify({ receiver, fault: (error as Error).message })
        : `${receiver}: ${(error as Error).message}`,
    );
    process.exitCode = 1;
  }
}
