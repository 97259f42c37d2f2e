/** Child of the firewall's tests, in the machine's network namespace: one step of the firewall on directories of the test. */
import { apply, refresh, wanted, whole } from "../../nftables/firewall.ts";
import { inForce } from "../../nftables/intact.ts";
import { counts, load, loadedElements } from "../../nftables/nft.ts";

const [verb = "", root = "", extra = ""] = process.argv.slice(2);
const dirs = { etc: `${root}/etc`, var: `${root}/var`, run: `${root}/run` };

const steps: Record<string, () => unknown> = {
  apply: () => apply(dirs),
  refresh: () => refresh(dirs, Date.now() + Number(extra)),
  counts,
  elements: loadedElements,
  inForce,
  /** The whole, without the rule that has this comment. */
  without: () => load(cut(whole(wanted(dirs)), `comment "${extra}"`)),
  /** The whole, with words in place of others: `from|to|from|to`. */
  altered: () => load(swap(whole(wanted(dirs)), extra.split("|"))),
  /** Addresses that come and go, 50 times, and the configuration applied anew as often. */
  churn: async () => {
    const names = (place: number) => ({ addresses: ["10.9.0.2", `10.7.0.${place + 1}`], ttl: 1 });
    for (let place = 0; place < 50; place++) {
      refresh(dirs, Date.now() + place * 120_000, () => ({ "mail.example.com": names(place) }));
      await apply(dirs);
    }
  },
  reload: () => {
    for (let round = 0; round < 20; round++) load(whole(wanted(dirs)));
  },
};

function cut(text: string, comment: string): string {
  const lines = text.split("\n");
  const left = lines.filter((line) => !line.endsWith(comment));
  if (left.length === lines.length) throw new Error(`No rule has ${comment}.`);
  return left.join("\n");
}

function swap(text: string, [from, to = "", ...rest]: string[]): string {
  if (from === undefined) return text;
  if (!text.includes(from)) throw new Error(`Nothing says ${from}.`);
  return swap(text.replaceAll(from, to), rest);
}

const said = await (steps[verb] as () => unknown)();
console.log(JSON.stringify(said ?? null));
