/** Settings of the Linux kernel (sysctl(8)) that an appliance boots with, from the Kernel Self Protection Project and what cells need. */

/** `least`: without so much nothing starts on an appliance, and `silo doctor` says so elsewhere. `value`: what systemd/sysctl.d/silo.conf sets. */
export type Setting = { name: string; value: number | string; least?: number; reason: string };

export const settings: readonly Setting[] = [
  {
    name: "kernel.yama.ptrace_scope",
    value: 2, // 3 would keep the sentry of a gVisor cell from the processes it made
    least: 1,
    reason: "a process could read the memory of others of its user",
  },
  {
    name: "kernel.dmesg_restrict",
    value: 1,
    least: 1,
    reason: "anybody can read what the Linux kernel says, addresses among it",
  },
  { name: "kernel.kptr_restrict", value: 2, least: 1, reason: "addresses of the Linux kernel can be read" },
  {
    name: "kernel.unprivileged_bpf_disabled",
    value: 1,
    least: 1,
    reason: "anybody can load programs into the Linux kernel",
  },
  {
    name: "net.core.bpf_jit_harden",
    value: 2,
    least: 1,
    reason: "the compiler of the Linux kernel can be made to write code for an attacker",
  },
  { name: "fs.protected_symlinks", value: 1, least: 1, reason: "links in shared folders are followed" },
  { name: "fs.protected_hardlinks", value: 1, least: 1, reason: "files of others can be linked" },
  {
    name: "fs.protected_fifos",
    value: 2,
    reason: "a pipe that another user laid out in a shared folder is written to",
  },
  {
    name: "fs.protected_regular",
    value: 2,
    reason: "a file that another user laid out in a shared folder is written to",
  },
  { name: "fs.suid_dumpable", value: 0, reason: "memory of privileged programs is written to disk when they break" },
  {
    name: "kernel.core_pattern",
    value: "|/bin/false",
    reason: "memory of programs that break is written to disk, secrets and values in it",
  },
  { name: "kernel.kexec_load_disabled", value: 1, reason: "root can start another Linux kernel that nobody measured" },
  { name: "kernel.sysrq", value: 0, reason: "whoever has a keyboard can steer the Linux kernel" },
  { name: "kernel.perf_event_paranoid", value: 3, reason: "processes can measure each other and the Linux kernel" },
  { name: "kernel.randomize_va_space", value: 2, reason: "addresses in processes can be guessed" },
  {
    name: "kernel.io_uring_disabled",
    value: 2,
    reason: "a large part of the Linux kernel can be reached that nothing here needs",
  },
  { name: "kernel.panic_on_oops", value: 1, reason: "a Linux kernel that has met a defect of its own goes on" },
  {
    name: "kernel.panic",
    value: 10,
    reason: "a Linux kernel that has stopped stays stopped, and nobody is there to start it",
  },
  {
    name: "dev.tty.ldisc_autoload",
    value: 0,
    reason: "anybody can load line disciplines, old code, into the Linux kernel",
  },
  { name: "dev.tty.legacy_tiocsti", value: 0, reason: "a process can type into the terminal it shares" },
  {
    name: "vm.mmap_min_addr",
    value: 65536,
    reason: "a null pointer in the Linux kernel can be made to point at something",
  },
  { name: "vm.mmap_rnd_bits", value: 32, reason: "addresses in processes can be guessed sooner" },
  { name: "vm.unprivileged_userfaultfd", value: 0, reason: "races in the Linux kernel can be won at leisure" },
  { name: "vm.memfd_noexec", value: 1, reason: "programs can be run that are no file anywhere" },
  { name: "vm.swappiness", value: 0, reason: "memory goes where nothing wipes it, should there ever be swap" },
  {
    name: "user.max_user_namespaces",
    value: 1024,
    reason: "namespaces can be made without end; cells need a few each",
  },
  { name: "net.ipv4.conf.all.rp_filter", value: 1, reason: "packets are taken from addresses that lie elsewhere" },
  { name: "net.ipv4.conf.default.rp_filter", value: 1, reason: "packets are taken from addresses that lie elsewhere" },
  { name: "net.ipv4.conf.all.accept_redirects", value: 0, reason: "a neighbour can bend our routes" },
  { name: "net.ipv4.conf.default.accept_redirects", value: 0, reason: "a neighbour can bend our routes" },
  { name: "net.ipv6.conf.all.accept_redirects", value: 0, reason: "a neighbour can bend our routes" },
  { name: "net.ipv6.conf.default.accept_redirects", value: 0, reason: "a neighbour can bend our routes" },
  { name: "net.ipv4.conf.all.send_redirects", value: 0, reason: "this machine is no router" },
  { name: "net.ipv4.conf.all.accept_source_route", value: 0, reason: "a sender chooses the way its packets take" },
  { name: "net.ipv6.conf.all.accept_source_route", value: 0, reason: "a sender chooses the way its packets take" },
  { name: "net.ipv4.tcp_syncookies", value: 1, reason: "half-open connections use up the front door" },
  {
    name: "net.ipv4.icmp_echo_ignore_broadcasts",
    value: 1,
    reason: "one packet is answered by all machines of a network",
  },
];
