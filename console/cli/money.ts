/** Minor units as the currency's own decimals (ISO 4217, as the runtime knows them): `247.50 USD`. */
export function money(minor: number, currency: string): string {
  const digits =
    new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 0;
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  const sign = minor < 0 ? "-" : "";
  return digits === 0
    ? `${sign}${text} ${currency}`
    : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)} ${currency}`;
}
