/**
 * Money as people write it, `500.00 USD`, and as everything inside counts it: whole minor units and a currency.
 * Digits are moved as text; no number here is ever a fraction.
 */

/** ISO 4217 list one by number of minor-unit digits. A code that is not here is no currency. */
const CODES: readonly [digits: number, codes: string][] = [
  [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"],
  [
    2,
    `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK
     DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD
     KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
     PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
     USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`,
  ],
  [3, "BHD IQD JOD KWD LYD OMR TND"],
];
const digitsOf: ReadonlyMap<string, number> = new Map(
  CODES.flatMap(([digits, codes]) => codes.split(/\s+/).map((code) => [code, digits] as const)),
);
const MONEY = /^(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,3}))? ([A-Z]{3})$/;

export type Money = { minor: number; currency: string };

/**
 * `500.00 USD` or `500 USD`: either no decimals or all of the currency's. Null for anything else, and for more minor units than
 * can be counted exactly.
 */
export function parseMoney(text: string): Money | null {
  const match = MONEY.exec(text);
  if (match === null) return null;
  const [, whole, fraction, currency] = match as unknown as [string, string, string | undefined, string];
  const digits = digitsOf.get(currency);
  if (digits === undefined || (fraction !== undefined && fraction.length !== digits)) return null;
  const minor = Number(whole + (fraction ?? "0".repeat(digits)));
  return Number.isSafeInteger(minor) ? { minor, currency } : null;
}

/** The way people write it: `120.00 USD`. An unknown currency is shown in minor units and says so. */
export function formatMoney(minor: number, currency: string): string {
  const digits = digitsOf.get(currency);
  if (digits === undefined) return `${minor} minor units of ${currency}`;
  if (digits === 0) return `${minor} ${currency}`;
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  return `${minor < 0 ? "-" : ""}${text.slice(0, -digits)}.${text.slice(-digits)} ${currency}`;
}
