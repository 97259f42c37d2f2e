/** One folder of code is one domain of privilege: only kernel/abi and kernel/process are shared. */
const proxies = ["door", "vault", "ingress", "database", "email", "sms", "kv", "siem"];
/** It proves what it exports with the verifier that anyone may take. */
const also = { siem: "|console/audit/" };

const proxyRules = proxies.map((name) => ({
  name: `${name}-stays-alone`,
  severity: "error",
  comment: "A process imports its own folder, the shared two, and what acting proxies share.",
  from: { path: `^proxies/${name}/` },
  to: {
    path: "^(kernel|proxies|jail|console|image)/",
    pathNot: `^(proxies/${name}/|kernel/(abi|process)/|proxies/proxy/${also[name] ?? ""})`,
  },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...proxyRules,
    {
      name: "strangers-fronts-do-not-act",
      severity: "error",
      comment: "proxies/proxy is for processes that act on permits.",
      from: { path: "^proxies/(door|vault|ingress|siem)/" },
      to: { path: "^proxies/proxy/" },
    },
    {
      name: "kernel-stays-alone",
      severity: "error",
      from: { path: "^kernel/" },
      to: { path: "^(proxies|jail|console|image)/" },
    },
    {
      name: "shared-knows-nobody",
      severity: "error",
      from: { path: "^kernel/(abi|process)/" },
      to: { path: "^kernel/", pathNot: "^kernel/(abi|process)/" },
    },
    {
      name: "jailer-is-tiny",
      severity: "error",
      comment: "Root-equivalent: nothing but Node itself and the shared two.",
      from: { path: "^jail/" },
      to: { path: "^(?!jail/|kernel/(abi|process)/|node:)", pathNot: "^(node:)?[a-z_/]+$" },
    },
    {
      name: "firewall-knows-the-configuration-alone",
      severity: "error",
      comment: "It is root's: nothing but Node itself and the shared two.",
      from: { path: "^nftables/" },
      to: { path: "^(?!nftables/|kernel/(abi|process)/|node:|node_modules/typebox)", pathNot: "^(node:)?[a-z_/]+$" },
    },
    {
      name: "console-asks-like-a-stranger",
      severity: "error",
      from: { path: "^console/" },
      to: { path: "^(kernel|proxies|jail)/", pathNot: "^kernel/(abi|process)/" },
    },
    {
      name: "log-is-verified-without-us",
      severity: "error",
      comment: "Whoever does not trust us reads this folder and nothing else.",
      from: { path: "^console/audit/" },
      to: { path: "^(?!console/audit/)", pathNot: "^(node:)?(crypto|fs|path|events|worker_threads)$" },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "shipping-code-knows-no-tests", severity: "error", from: { pathNot: "^tests/" }, to: { path: "^tests/" } },
    { name: "declared-dependencies", severity: "error", from: {}, to: { dependencyTypes: ["npm-no-pkg", "unknown"] } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: [".ts", ".mjs", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
