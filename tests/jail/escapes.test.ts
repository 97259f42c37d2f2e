import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Start } from "../../jail/messages.ts";
import { isolationNames, putBundle, runCell, startJailer, startRequest, type TestJailer } from "./jailer.ts";
import { document, openMembrane } from "./membrane.ts";

let jailer: TestJailer;
beforeAll(async () => {
  jailer = await startJailer();
});
afterAll(() => jailer.stop());

const here = (name: string) => readFileSync(join(import.meta.dirname, name), "utf8");
const agent = (name: string) => readFileSync(join(import.meta.dirname, "../../agents/hostile", name), "utf8");

async function fieldsOf(
  isolation: Start["isolation"],
  files: Record<string, string>,
  calls?: Parameters<typeof openMembrane>[3],
) {
  const membrane = await openMembrane(`${jailer.state}/run`, 0, document(), calls);
  const exit = await runCell(jailer, startRequest(putBundle(jailer.state, files), { isolation }));
  await membrane.close();
  expect(exit).toMatchObject({ reason: "exited", code: 0 });
  return membrane.of("/v1/complete")[0]?.body["fields"];
}

/** Errno -> what ends with it, in every isolation. */
const everywhere = {
  EAFNOSUPPORT: "inet inet6 hypervisor netlink kernel_crypto",
  ECONNREFUSED: "abstract_socket",
  EACCES: "steer_first_process run_own_program write_shm",
  ENOENT: "host_memory product state other_bundles other_cells credentials",
  EROFS: "write_tmp",
  EPERM:
    "listen make_device become_root change_root mount namespace clone_namespace enter_namespace trace read_other_memory " +
    "keyring bpf perf userfaultfd memory_file shared_memory message_queue hostname clock new_syscall_filter raise_limit " +
    "machine_size",
  ENOSYS: "io_uring",
  ENOMEM: "memory",
  EFBIG: "big_hole",
  EAGAIN: "threads",
  EMFILE: "descriptors",
};
/** The sentry looks at who asks before it looks at what is asked; and it counts no files, for it has none of the host's. */
const only = {
  gvisor: {
    EACCES: "write_root write_bundle write_runner write_sdk write_socket_folder write_sysctl",
    ENOENT: "host_root host_environment",
    done: "files",
  },
  nspawn: {
    EROFS: "write_root write_bundle write_runner write_sdk write_socket_folder",
    ENOENT: "write_sysctl",
    EACCES: "host_root host_environment",
    ENOSPC: "files",
  },
};
const byName = (errnos: Record<string, string>) =>
  Object.fromEntries(Object.entries(errnos).flatMap(([errno, names]) => names.split(" ").map((name) => [name, errno])));

describe.each(isolationNames)("an agent in isolation %s", (isolation) => {
  test("gets an errno for each way out of its cell", async () => {
    expect(await fieldsOf(isolation, { "main.py": here("escapes.py") })).toEqual({
      ...byName(everywhere),
      ...byName(only[isolation]),
    });
  });

  test("that is the hostile one gets codes from the membrane and errnos from the machine, and lives to say so", async () => {
    const files = Object.fromEntries(["main.py", "machine.py", "membrane.py"].map((name) => [name, agent(name)]));
    const refuse = () => ({ status: 403, body: { end: "refused", code: "ARGUMENT_INVALID", message: "No." } });
    expect(await fieldsOf(isolation, files, refuse)).toEqual(
      byName({
        ARGUMENT_INVALID: "other_customer other_order not_granted unknown_argument forged_key",
        EAFNOSUPPORT: "raw_socket packet_socket",
        ...(isolation === "nspawn" && { EACCES: "host_file" }),
        ENOENT: isolation === "gvisor" ? "host_state host_file" : "host_state",
        EPERM: "host_disk namespace",
        EFBIG: "big_file",
        EAGAIN: "fork_bomb",
      }),
    );
  });
});
