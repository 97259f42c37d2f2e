/** Makes and destroys case keys for ever, and says on stdout what is durable: killed at any instant by case-keys.test.ts. */
import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { newId } from "../../../kernel/abi/ids.ts";
import { openCaseKeys } from "../../../proxies/vault/case-keys.ts";

const [path = "", master = ""] = process.argv.slice(2);
const keys = openCaseKeys(path, Buffer.from(master, "hex"), randomBytes);
const say = (line: string) => writeSync(1, `${line}\n`);

for (;;) {
  const ids = Array.from({ length: 8 }, () => newId("case", randomBytes));
  await Promise.all(
    ids.map(async (id) => {
      const key = await keys.create(id);
      say(`made ${id} ${key.toString("hex")}`);
    }),
  );
  for (const id of ids.slice(0, 6)) {
    say(`destroying ${id}`);
    await keys.destroy(id);
    say(`destroyed ${id}`);
  }
}
