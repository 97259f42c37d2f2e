/** An SMSC elsewhere: nothing is said to one that cannot show who it is. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, getCACertificates, type Server, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSession } from "../../../proxies/sms/session.ts";
import { answerWith, splitter } from "./pdu.ts";

let scratch = "";
let server: Server;
let certificate = "";
let heard = 0;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "silo-tls-"));
  const [key, cert] = [join(scratch, "key"), join(scratch, "cert")];
  const names = ["-subj", "/CN=smsc", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
    ...names,
  ];
  execFileSync("openssl", [...made, "-keyout", key, "-out", cert], { stdio: "ignore" });
  certificate = readFileSync(cert, "utf8");
  server = createServer({ key: readFileSync(key), cert: certificate }, (socket: TLSSocket) => {
    const split = splitter();
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      heard++;
      for (const pdu of split(chunk)) socket.write(answerWith(pdu, 0));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  server.close();
  rmSync(scratch, { recursive: true });
});

function open(host: string) {
  const { port } = server.address() as { port: number };
  const account = { system_id: "silo", password: "secret", from: "Shop" };
  const credential = { host, port, tls: "implicit", ...account, receipt_ids: "same", receipts_carry_reference: false };
  return openSession(credential as Parameters<typeof openSession>[0], async () => 0);
}

test("a certificate nobody vouches for ends the connection before the account is said", async () => {
  await expect(open("127.0.0.1")).rejects.toThrow("DEPTH_ZERO_SELF_SIGNED_CERT");
  expect(heard).toBe(0);
});

test("so does a certificate for another name; the right one binds", async () => {
  setDefaultCACertificates([...getCACertificates("default"), certificate]);
  await expect(open("localhost")).rejects.toThrow("ERR_TLS_CERT_ALTNAME_INVALID");
  expect(heard).toBe(0);
  const session = await open("127.0.0.1");
  expect(heard).toBe(1);
  session.close();
  await session.closed;
});
