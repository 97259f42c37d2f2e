/** Delivered mail is read as a person would read it. */
import { expect, test } from "vitest";
import { parseMail } from "../../../console/trial/mail.ts";

const mail = (head: string[], body: string) => parseMail(Buffer.from(`${head.join("\n")}\n\n${body}`));

test("encoded words, folded headers and quoted-printable", () => {
  expect(
    mail(
      [
        "Delivered-To: a@example.org",
        "From: service@shop.example",
        "To: =?UTF-8?Q?J=C3=BCrgen_M?=",
        " =?UTF-8?Q?=C3=BCller?= <a@example.org>",
        "Subject: =?UTF-8?B?SMOpIGhv?=",
        "Message-ID: <x@shop.example>",
        "Content-Transfer-Encoding: quoted-printable",
      ],
      "Dear J=C3=BCrgen, this line =\ngoes on.\n",
    ),
  ).toEqual({
    deliveredTo: "a@example.org",
    from: "service@shop.example",
    to: "Jürgen Müller <a@example.org>",
    subject: "Hé ho",
    messageId: "<x@shop.example>",
    text: "Dear Jürgen, this line goes on.\n",
  });
});

test("base64 and plain bodies", () => {
  const base64 = Buffer.from("Dear 秀英\n").toString("base64");
  expect(mail(["Content-Transfer-Encoding: base64"], base64).text).toBe("Dear 秀英\n");
  expect(mail(["Content-Transfer-Encoding: 8bit"], "Dear Jürgen\n").text).toBe("Dear Jürgen\n");
});

test("a header that is not there is empty, and the body is no header", () => {
  expect(mail(["From: a@example.org"], "Subject: none\n")).toMatchObject({ subject: "", to: "" });
});
