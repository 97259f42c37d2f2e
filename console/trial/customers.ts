/** A thousand made-up customers. Pure and deterministic: the same people everywhere. */

export type Customer = { id: string; name: string; email: string; phone: string; address: string; since: string };

/** Draws from what a shop's customers are called, in their own spelling; mail addresses and numbers are ones nobody has. */
type Culture = {
  first: readonly string[];
  last: readonly string[];
  /** How a name goes into a mail address where its letters are not Latin. */
  latin?: Readonly<Record<string, string>>;
  /** Where it is not the first name, a space and the last name. */
  joinName?(first: string, last: string): string;
  streets: readonly string[];
  towns: readonly string[];
  address(street: string, house: number, town: string): string;
  phone(number: number): string;
};

const pad = (value: number, width: number) => String(value).padStart(width, "0");
const words = (text: string) => text.split(" ");

// Ranges the numbering authorities keep free for stories: 555-01xx (NANPA), 020 7946 0xxx (Ofcom), 030 23125 xxx (BNetzA), 01 99 00 xx xx (Arcep).
const american = (number: number) =>
  `+1 ${[206, 312, 415, 512, 617, 702, 713, 808, 907, 917][Math.floor(number / 100) % 10]} 555 01${pad(number % 100, 2)}`;
const british = (number: number) => `+44 20 7946 0${pad(number % 1000, 3)}`;
const german = (number: number) => `+49 30 23125 ${pad(number % 1000, 3)}`;
const french = (number: number) => `+33 1 99 00 ${pad(Math.floor(number / 100) % 100, 2)} ${pad(number % 100, 2)}`;

const usStreets = ["Maple Avenue", "Oak Street", "Lincoln Road", "Harbor Drive", "Cedar Lane", "2nd Street"];
const usTowns = ["Seattle, WA 98101", "Austin, TX 78701", "Boston, MA 02108", "Chicago, IL 60601", "Reno, NV 89501"];
const inAmerica = {
  streets: usStreets,
  towns: usTowns,
  address: (street: string, house: number, town: string) => `${house} ${street}, ${town}`,
  phone: american,
};

const cultures: readonly Culture[] = [
  {
    first: words(
      "Mary James Patricia Robert Linda Michael Barbara William Susan David Karen Joseph Emily Daniel Grace",
    ),
    last: words("Smith Johnson O'Brien Carter Nguyen-Hall Bennett Fitzgerald McKenzie Sullivan Brooks Hayes Donovan"),
    ...inAmerica,
  },
  {
    first: words("Amara Kwame Chidi Ngozi Zainab Tendai Ayodele Thandiwe Kofi Adaeze Sekou Fatoumata"),
    last: words("Okafor Mensah Adeyemi Diallo Ndlovu Achebe Boateng Mwangi Traoré Okonkwo Banda Sesay"),
    ...inAmerica,
  },
  {
    first: words("José María Íñigo Lucía Andrés Sofía Raúl Begoña Martín Inés Álvaro Ximena"),
    last: [
      "García López",
      "Núñez",
      "Peña Ruiz",
      "Muñoz",
      "Ibáñez",
      "Domínguez",
      "Cano Vélez",
      "Ordóñez",
      "Sáez",
      "Gutiérrez",
    ],
    ...inAmerica,
  },
  {
    first: words("秀英 伟 芳 娜 敏 静 磊 洋 艳 勇"),
    last: words("王 李 张 刘 陈 杨 赵 黄 周 吴"),
    latin: {
      秀英: "xiuying",
      伟: "wei",
      芳: "fang",
      娜: "na",
      敏: "min",
      静: "jing",
      磊: "lei",
      洋: "yang",
      艳: "yan",
      勇: "yong",
      王: "wang",
      李: "li",
      张: "zhang",
      刘: "liu",
      陈: "chen",
      杨: "yang",
      赵: "zhao",
      黄: "huang",
      周: "zhou",
      吴: "wu",
    },
    joinName: (first, last) => `${last}${first}`,
    ...inAmerica,
  },
  {
    first: ["Thị Hương", "Văn Minh", "Quốc Bảo", "Ngọc Ánh", "Đức Thắng", "Thùy Linh", "Hữu Phước", "Mỹ Duyên"],
    last: words("Nguyễn Trần Lê Phạm Hoàng Đặng Võ Bùi"),
    joinName: (first, last) => `${last} ${first}`,
    ...inAmerica,
  },
  {
    first: words("Olivia Harry Amelia George Isla Alfie Poppy Rhys Siân Priya Arjun Ananya Rohan"),
    last: words("Taylor Davies Llewellyn Patel Sharma Ó'Connell MacDonald Whitfield Iyer Chaudhry Ashworth"),
    streets: ["High Street", "Station Road", "Church Lane", "Victoria Terrace", "Mill Hill"],
    towns: ["London SW1A 9ZZ", "Leeds LS1 9ZZ", "Bristol BS1 9ZZ", "Cardiff CF10 9ZZ"],
    address: (street, house, town) => `${house} ${street}, ${town}`,
    phone: british,
  },
  {
    first: words("Jürgen Käthe Björn Anneliese Özgür Günther Zoë Mareike Søren Łukasz Jiří Agnieszka Ivana"),
    last: words(
      "Müller Schröder Weiß Yılmaz Jørgensen Łukasiewicz Dvořák Kowalczyk Großmann Lindqvist Ångström Horváth",
    ),
    streets: ["Lindenstraße", "Am Mühlbach", "Goetheplatz", "Bahnhofstraße", "Königsallee"],
    towns: ["10115 Berlin", "50667 Köln", "80331 München", "04109 Leipzig"],
    address: (street, house, town) => `${street} ${house}, ${town}`,
    phone: german,
  },
  {
    first: words("Zoé François Chloé Étienne Anaïs Jérôme Maëlle Gaël Noémie Loïc Adèle Benoît"),
    last: words("Lefèvre Dupont Béranger Château Moreau D'Aubigné Pérez Françoise Guérin Le-Goff Rousseau Bézier"),
    streets: ["rue de la Paix", "avenue Victor Hugo", "place de l'Église", "quai des Chartrons"],
    towns: ["75002 Paris", "69003 Lyon", "33000 Bordeaux", "67000 Strasbourg"],
    address: (street, house, town) => `${house} ${street}, ${town}`,
    phone: french,
  },
  {
    first: words("Ольга Дмитрий Наталья Сергей Ελένη Γιώργος Κατερίνα Тарас"),
    last: words("Иванова Кузнецов Шевченко Παππάς Δημητρίου Соколов Мельник"),
    latin: {
      Ольга: "olga",
      Дмитрий: "dmitri",
      Наталья: "natalia",
      Сергей: "sergei",
      Ελένη: "eleni",
      Γιώργος: "giorgos",
      Κατερίνα: "katerina",
      Тарас: "taras",
      Иванова: "ivanova",
      Кузнецов: "kuznetsov",
      Шевченко: "shevchenko",
      Παππάς: "pappas",
      Δημητρίου: "dimitriou",
      Соколов: "sokolov",
      Мельник: "melnyk",
    },
    ...inAmerica,
  },
];

const DAY_MS = 24 * 60 * 60 * 1000;
const FIRST_DAY = Date.UTC(2016, 0, 1);
const DAYS = 3400;
const DOMAINS = ["example.com", "example.net", "example.org"];

/** `count` customers, C0001 onwards, no two with one name, address of mail or number. `random` yields numbers from 0 below 1. */
export function makeCustomers(count: number, random: () => number): Customer[] {
  const names = new Set<string>();
  const emails = new Set<string>();
  return Array.from({ length: count }, (_, index) => makeCustomer(index, names, emails, random));
}

function makeCustomer(index: number, names: Set<string>, emails: Set<string>, random: () => number): Customer {
  const { culture, first, last, name } = newName(names, random);
  const street = pick(culture.streets, random);
  const house = 1 + Math.floor(random() * 180);
  return {
    id: `C${pad(index + 1, 4)}`,
    name,
    email: newEmail(`${slug(first, culture)}.${slug(last, culture)}`, emails, random),
    phone: culture.phone(index),
    address: culture.address(street, house, pick(culture.towns, random)),
    since: new Date(FIRST_DAY + Math.floor(random() * DAYS) * DAY_MS).toISOString().slice(0, 10),
  };
}

function newName(names: Set<string>, random: () => number) {
  for (;;) {
    const culture = pick(cultures, random);
    const first = pick(culture.first, random);
    const last = pick(culture.last, random);
    const name = culture.joinName?.(first, last) ?? `${first} ${last}`;
    if (names.has(name)) continue;
    names.add(name);
    return { culture, first, last, name };
  }
}

function newEmail(local: string, emails: Set<string>, random: () => number): string {
  const domain = pick(DOMAINS, random);
  for (let number = 1; ; number++) {
    const email = `${local}${number === 1 ? "" : number}@${domain}`;
    if (emails.has(email)) continue;
    emails.add(email);
    return email;
  }
}

const FOLDED: Readonly<Record<string, string>> = { ß: "ss", ø: "o", ł: "l", đ: "d", ı: "i" };

function slug(word: string, culture: Culture): string {
  const bare = (culture.latin?.[word] ?? word).toLowerCase().normalize("NFD");
  return bare.replace(/[ßøłđı]/g, (letter) => FOLDED[letter] ?? "").replace(/[^a-z]/g, "");
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T;
}
