/** One build of the image: where its parts lie, for the steps that make them and for whoever boots them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Of every file's time in the image: the same inputs make the same bytes. */
export const SOURCE_DATE_EPOCH = "1767225600";
/** systemd-repart derives the partitions' identities from it. */
export const SEED = "5110050a-0000-4000-8000-000000000001";

/** Where `npm run image` binds its folders in the workshop. */
export const WORKSHOP = { image: "/mnt/image", keys: "/mnt/keys", appliance: "/mnt/appliance" };

/** Where the parts of the build in `folder` lie, whether or not they are made yet. */
export function places(folder: string) {
  const at = (...names: string[]) => join(folder, ...names);
  return {
    /** Of the image, as it is told to each step. */
    version: at("version"),
    /** One path of the checkout a line: the product. */
    files: at("product.files"),
    /** The trees systemd-repart reads: `root` and `esp`. */
    tree: at("tree"),
    rootHash: at("root.hash"),
    kernelImage: at("silo.efi"),
    /** The same root under a kernel image that opens a door for the acceptance; its keys are made with it and stay here. */
    acceptance: { kernelImage: at("acceptance.efi"), keys: at("acceptance-keys"), disk: at("acceptance.raw") },
    disk: at("disk.raw"),
    /** The values PCR 11 has while the image starts. */
    measurements: at("pcr11.txt"),
  };
}

export type Build = Omit<ReturnType<typeof places>, "version"> & { version: string };

/** The build whose folder SILO_BUILD names. Throws where there is none. */
export function readBuild(): Build {
  const folder = process.env["SILO_BUILD"];
  if (folder === undefined) throw new Error("SILO_BUILD must name the folder of a build: npm run image makes one.");
  const { version, ...rest } = places(folder);
  return { ...rest, version: readFileSync(version, "utf8").trim() };
}
