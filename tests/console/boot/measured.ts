/** A TPM in software that saw a boot: firmware and image measured, and a maker of the image who signed for it. */
import { spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tpm } from "../../../console/boot/tpm.ts";
import { command } from "../../../console/up/command.ts";

export type Machine = {
  tpm: Tpm;
  /** Puts a measurement into a PCR, as firmware and systemd-stub do. */
  measure(pcr: number, what: string): void;
  /** The power goes off and on: PCRs begin at zero, what the TPM keeps stays. */
  restart(): void;
  /** A boot of the image whose maker signed, with Secure Boot on. */
  boot(): void;
  remove(): void;
};

const FIRMWARE = "secure boot is on";
const IMAGE = "a unified kernel image";
const LOOK_MS = 20;
const MEASURE = "/usr/lib/systemd/systemd-measure";

export function makeMachine(): Machine {
  const folder = mkdtempSync(join(tmpdir(), "tpm-"));
  const socket = join(folder, "tpm");
  const tpm: Tpm = {
    device: `swtpm:path=${socket}`,
    publicKey: join(folder, "maker.pem"),
    signature: join(folder, "signature.json"),
  };
  sign(folder, tpm);
  start();

  function start(): void {
    const state = ["--tpm2", "--tpmstate", `dir=${folder}`, "--flags", "startup-clear,not-need-init"];
    const sockets = ["--server", `type=unixio,path=${socket}`, "--ctrl", `type=unixio,path=${socket}.ctrl`];
    command("swtpm", "socket", ...state, ...sockets, "--pid", `file=${folder}/pid`, "--daemon");
  }

  function stop(): void {
    const pid = Number(readFileSync(`${folder}/pid`, "utf8"));
    process.kill(pid, "SIGTERM");
    while (existsSync(`/proc/${pid}`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  }

  const measure = (pcr: number, what: string) => extend(tpm, pcr, digest(what));
  return {
    tpm,
    measure,
    restart() {
      stop();
      start();
    },
    boot() {
      measure(7, FIRMWARE);
      // systemd-stub measures each section of the image by its name and then by its content.
      for (const part of [".linux\0", IMAGE]) measure(11, part);
    },
    remove() {
      stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function digest(what: string): string {
  return createHash("sha256").update(what).digest("hex");
}

function extend({ device }: Tpm, pcr: number, value: string): void {
  const { status, stderr } = spawnSync("tpm2_pcrextend", [`${pcr}:sha256=${value}`], {
    env: { ...process.env, TPM2TOOLS_TCTI: device },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
}

/** What the image's maker does at the build: signs the PCR 11 that this image leads to. One maker for all machines. */
function sign(folder: string, { publicKey, signature }: Tpm): void {
  maker ??= makeKeys();
  writeFileSync(join(folder, "private.pem"), maker.privateKey);
  writeFileSync(publicKey, maker.publicKey);
  writeFileSync(join(folder, "linux"), IMAGE);
  const keys = [`--private-key=${folder}/private.pem`, `--public-key=${publicKey}`, "--bank=sha256"];
  writeFileSync(signature, command(MEASURE, "sign", `--linux=${folder}/linux`, "--phase=", ...keys));
}

let maker: { privateKey: string; publicKey: string } | undefined;

function makeKeys() {
  return generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}
