/** Made-up people as test data: names of several scripts, and the ways their values get written. */
import fc from "fast-check";
import type { TokenClass } from "../../../kernel/abi/tokens.ts";
import { type Draft, newDraft, Table } from "../../../proxies/vault/table.ts";

const FIRST = [
  "Ann",
  "Zoë",
  "José María",
  "Jean-Luc",
  "Οδυσσέας",
  "Ольга",
  "李",
  "Siobhán",
  "Nguyễn Thị",
  "Łukasz",
  "Bo",
  "महेश",
];
const LAST = [
  "Miller",
  "O'Brien",
  "Müller-Lüdenscheidt",
  "Παπαδόπουλος",
  "Иванова",
  "明华",
  "Strauß",
  "İnönü",
  "de la Cruz",
];
const STREET = ["Main St", "Königsallee", "Rue de l'Église", "улица Ленина"];

export type Person = { name: string; email: string; phone: string; address: string };

export const person: fc.Arbitrary<Person> = fc
  .tuple(
    fc.constantFrom(...FIRST),
    fc.constantFrom(...LAST),
    fc.integer({ min: 1, max: 9999 }),
    fc.constantFrom(...STREET),
  )
  .map(([first, last, number, street]) => ({
    name: /^\p{Script=Han}/u.test(first) ? `${first}明华` : `${first} ${last}`,
    email: `person${number}@shop${number}.example`,
    phone: `+1 202 555 ${String(number).padStart(4, "0")}`,
    address: `${number} ${street}, Springfield`,
  }));

export const classes = ["name", "email", "phone", "address"] as const satisfies readonly TokenClass[];

/** A table that knows this customer. */
export function tableOf(customer: Person): { table: Table; draft: Draft } {
  const table = new Table();
  const draft = newDraft();
  table.setCustomer({ token: "tok_0a1b2c3d", id: "C0042" });
  for (const name of classes) table.tokenFor(name, customer[name], draft, name !== "name");
  return { table, draft };
}
