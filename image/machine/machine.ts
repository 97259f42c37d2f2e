/** A machine that boots an image: QEMU without hardware acceleration, UEFI firmware, a software TPM. Runs in the workshop. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { run } from "../steps/tool.ts";
import { FIRMWARE, makeVariables, type SecureBoot } from "./firmware.ts";
import { readSerial, type Serial } from "./serial.ts";

const MEMORY_MIB = 3072;
const PROCESSORS = 2;
const DISK_GIB = 8;
const DIES_WITH_US = ["--pdeathsig", "KILL", "--"];
const SOCKET_MS_MAX = 60_000;
const SOCKET_POLL_MS = 50;
/** What the firmware says it is; the appliance takes its identity from it. */
const IDENTITY = "5110050a-0000-4000-8000-0000000000aa";

export type MachineOptions = {
  /** What it keeps while it is off: its disk, its firmware's variables, its TPM. Made where missing. Its path has at most 80 characters. */
  folder: string;
  /** The image it was flashed with. Read only: what it writes is kept beside it. */
  image: string;
  /** The folder of the certificates its firmware knows. */
  keys: string;
  secureBoot?: SecureBoot;
  tpm?: boolean;
  /** Ports of this machine's loopback address, and what they reach inside. */
  forward?: readonly { host: number; guest: number }[];
  /** What its host tells it through SMBIOS, as QEMU's -smbios takes it. */
  smbios?: readonly string[];
  /** Starts again when it is told to, in place of ending. */
  reboots?: boolean;
};

export type Machine = {
  serial: Serial;
  /** The socket of the port that an acceptance's image listens on. */
  port: string;
  /** Settles when it is off. */
  off: Promise<void>;
  /** Takes its power away. */
  cut(): Promise<void>;
};

/** Switches a machine on, whose serial port we read. The caller cuts its power in the end. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const at = (name: string) => join(options.folder, name);
  const { qemu, off } = await switchOn(options, ["ignore", "pipe", "inherit"]);
  return {
    serial: readSerial(qemu.stdout as Readable, at("serial.log")),
    port: at("port.socket"),
    off,
    async cut() {
      qemu.kill("SIGKILL");
      await off;
    },
  };
}

/** Switches a machine on; its serial port is what `stdio` says. */
export async function switchOn(options: MachineOptions, stdio: StdioOptions) {
  const { folder, image, keys, secureBoot = "enforced", tpm = true } = options;
  const at = (name: string) => join(folder, name);
  mkdirSync(at("tpm"), { recursive: true });
  makeVariables(at("variables.fd"), keys, secureBoot);
  if (!existsSync(at("disk.qcow2")))
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image, at("disk.qcow2"), `${DISK_GIB}G`);
  const chip = tpm ? await startTpm(at("tpm"), at("tpm.socket")) : null;
  const qemu = spawn("setpriv", [...DIES_WITH_US, "qemu-system-x86_64", ...qemuArguments(options)], { stdio });
  const off = once(qemu, "close").then(() => void chip?.kill("SIGKILL"));
  return { qemu, off };
}

/** A TPM serves one life of one machine: it ends with QEMU's connection, and is started with its state for the next. */
async function startTpm(state: string, socket: string): Promise<ChildProcess> {
  rmSync(socket, { force: true });
  const chip = spawn(
    "setpriv",
    [
      ...DIES_WITH_US,
      "swtpm",
      "socket",
      "--tpm2",
      "--tpmstate",
      `dir=${state}`,
      "--ctrl",
      `type=unixio,path=${socket}`,
      "--flags",
      "startup-clear",
      "--terminate",
    ],
    { stdio: "inherit" },
  );
  for (let waited = 0; !existsSync(socket); waited += SOCKET_POLL_MS) {
    if (waited > SOCKET_MS_MAX || chip.exitCode !== null) throw new Error(`swtpm did not start on ${state}.`);
    await pause(SOCKET_POLL_MS);
  }
  return chip;
}

function qemuArguments({ folder, tpm = true, forward = [], smbios = [], reboots }: MachineOptions): string[] {
  const at = (name: string) => join(folder, name);
  const forwards = forward.map(({ host, guest }) => `,hostfwd=tcp:127.0.0.1:${host}-:${guest}`);
  return [
    ...["-nodefaults", "-no-user-config", "-display", "none"],
    ...["-machine", "q35,smm=on", "-accel", "tcg,thread=multi", "-cpu", "max"],
    ...["-smp", `${PROCESSORS}`, "-m", `${MEMORY_MIB}`, "-uuid", IDENTITY],
    ...["-global", "driver=cfi.pflash01,property=secure,value=on"],
    ...["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${FIRMWARE}`],
    ...["-drive", `if=pflash,unit=1,format=raw,file=${at("variables.fd")}`],
    ...["-drive", `if=none,id=disk,format=qcow2,discard=unmap,file=${at("disk.qcow2")}`],
    ...["-device", "virtio-blk-pci,drive=disk,bootindex=1", "-device", "virtio-rng-pci"],
    ...["-netdev", `user,id=network${forwards.join("")}`, "-device", "virtio-net-pci,netdev=network,romfile="],
    ...["-device", "virtio-serial-pci", "-chardev", `socket,id=port,path=${at("port.socket")},server=on,wait=off`],
    ...["-device", "virtserialport,chardev=port,name=silo.acceptance"],
    ...(tpm ? ["-chardev", `socket,id=tpm,path=${at("tpm.socket")}`] : []),
    ...(tpm ? ["-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm"] : []),
    ...smbios.flatMap((text) => ["-smbios", text]),
    ...(reboots ? [] : ["-no-reboot"]),
    ...["-serial", "mon:stdio"],
  ];
}
