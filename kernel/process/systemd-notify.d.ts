/** systemd-notify 1.0.0 ships no types. It spawns systemd-notify(1) and settles when that has ended. */
declare module "systemd-notify" {
  export default function systemdNotify(options: { ready?: boolean; status?: string; pid?: number }): Promise<void>;
}
