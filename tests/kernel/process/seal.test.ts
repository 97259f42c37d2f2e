import { describe, expect, test } from "vitest";
import { ownStatus, sealFaults } from "../../../kernel/process/seal.ts";

/** As proc_pid_status(5) writes it: a tab after the name, an empty Groups line with a blank. */
const sealed = `Name:\tnode
Umask:\t0022
State:\tR (running)
Uid:\t701\t701\t701\t701
Gid:\t701\t701\t701\t701
FDSize:\t64
Groups:\t 
NStgid:\t40
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
CapAmb:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t1
`;
const seal = { uid: 701, capabilities: "none" } as const;

function withLine(name: string, value: string): string {
  return sealed.replace(new RegExp(`^${name}:.*$`, "m"), `${name}:\t${value}`);
}

describe("sealFaults", () => {
  test("finds none in a sealed process", () => {
    expect(sealFaults(sealed, seal)).toEqual([]);
    expect(sealFaults(withLine("Groups", "701 "), seal)).toEqual([]);
  });

  test.each([
    ["Uid", "701\t0\t701\t701", "The user is not 701."],
    ["Uid", "701\t701\t0\t701", "The user is not 701."],
    ["Uid", "0\t0\t0\t0", "The user is not 701."],
    ["Gid", "701\t701\t0\t701", "The group is not 701."],
    ["Groups", "701 27 ", "It belongs to other groups."],
    ["Groups", "0", "It belongs to other groups."],
    ["CapInh", "0000000000000001", "The capability set CapInh is not empty."],
    ["CapPrm", "0000000000200000", "The capability set CapPrm is not empty."],
    ["CapEff", "0000000000000400", "The capability set CapEff is not empty."],
    ["CapBnd", "000001ffffffffff", "The capability set CapBnd is not empty."],
    ["CapAmb", "8000000000000000", "The capability set CapAmb is not empty."],
    ["NoNewPrivs", "0", "It may gain new privileges."],
    ["Seccomp", "0", "No syscall filter is in force."],
    ["Seccomp", "1", "No syscall filter is in force."],
  ])("finds %s: %j", (name, value, fault) => {
    expect(sealFaults(withLine(name, value), seal)).toEqual([fault]);
  });

  test.each(["Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"])(
    "takes a missing %s for a fault",
    (name) => {
      expect(sealFaults(sealed.replace(new RegExp(`^${name}:.*\n`, "m"), ""), seal)).toHaveLength(1);
    },
  );

  test("takes an empty text for every fault there is", () => {
    expect(sealFaults("", seal)).toHaveLength(10);
  });

  test("lets the one privileged process keep its capabilities, but not be another user", () => {
    const root = withLine("Uid", "0\t0\t0\t0").replace(/^CapEff:.*$/m, "CapEff:\t000001ffffffffff");
    expect(sealFaults(root, { uid: 0, capabilities: "root" })).toEqual([]);
    expect(sealFaults(root, { uid: 704, capabilities: "root" })).toEqual(["The user is not 704."]);
  });

  test("reads this very process as the kernel tells it", () => {
    const uid = process.getuid?.() ?? -1;
    expect(sealFaults(ownStatus(), { uid, capabilities: "root" })).toEqual([]);
    expect(sealFaults(ownStatus(), { uid: uid + 1, capabilities: "root" })).toHaveLength(1);
  });
});
