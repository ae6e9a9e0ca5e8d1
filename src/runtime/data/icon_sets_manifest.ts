/**
 * The forty icon sets behind `icon_sets`, pinned: npm packages `@iconify-json/<set>`, all of one colour and under
 * permissive licences. Data only; read by the fetcher and the builder. A change here changes the data set: raise
 * `BUILD_VERSION` only for changes of the rules, the pins are part of the cache key by themselves.
 */

export interface PinnedIconSet {
  /** Prefix of the set; its package is `@iconify-json/<set>`. */
  readonly set: string;
  readonly version: string;
  /** SPDX identifier. */
  readonly license: string;
  readonly title: string;
  readonly author: string;
  /** Subresource integrity of the package's tarball. */
  readonly integrity: string;
}

export const ICON_SETS: readonly PinnedIconSet[] = [
  {
    set: "akar-icons",
    version: "1.2.7",
    license: "MIT",
    title: "Akar Icons",
    author: "Arturo Wibawa",
    integrity:
      "sha512-cw44dCnZgGhm6Tywxm0WALAnDB9AyGkDk7kiLMo2B/Ayt7duZu/uyrsqb55weWUN8Ge2sQAOl8MRtT6bFcLzPg==",
  },
  {
    set: "basil",
    version: "1.2.4",
    license: "CC-BY-4.0",
    title: "Basil",
    author: "Craftwork",
    integrity:
      "sha512-KUL5JBdFDF7APY8XiuqvfpiecIby8pIbs6rm3WLgdVDqMlKH0WcWEwd+ilANby8X3AuHQVrjNjByh9MpfAR3lQ==",
  },
  {
    set: "bi",
    version: "1.2.7",
    license: "MIT",
    title: "Bootstrap Icons",
    author: "The Bootstrap Authors",
    integrity:
      "sha512-IPz8WNxmLkH1I9msl+0Q4OnmjjvP4uU0Z61a4i4sqonB6vKSbMGUWuGn8/YuuszlReVj8rf+3gNv5JU8Xoljyg==",
  },
  {
    set: "boxicons",
    version: "1.2.0",
    license: "MIT",
    title: "Boxicons",
    author: "Boxicons",
    integrity:
      "sha512-yAfCVaiZ5t2bC1xNVEdkWUI94e3u15IrytO2XFh8/7Y45M1i51adQpi42OhH2pUdsYM0/KY4Gklrb+XB+oZS/w==",
  },
  {
    set: "bx",
    version: "1.2.3",
    license: "MIT",
    title: "BoxIcons v2",
    author: "Boxicons",
    integrity:
      "sha512-ihvX+2d688otgW7MAvUEdKVln+fZ28BJTlygazKUU/+RCODWT+2KObjAHe8+KPs4VhC8V6Tgoy1qrX0Myn/upA==",
  },
  {
    set: "bxs",
    version: "1.2.3",
    license: "MIT",
    title: "BoxIcons v2 Solid",
    author: "Boxicons",
    integrity:
      "sha512-SxRzB4e0zrWq1duwDUmuT5t5gaDjwN2nMu1yoO2mP2tNaiciylx33+hKxEz3ykxIGKPi3/ItX0V6Sfdju1FrZA==",
  },
  {
    set: "cil",
    version: "1.2.3",
    license: "CC-BY-4.0",
    title: "CoreUI Free",
    author: "creativeLabs Łukasz Holeczek",
    integrity:
      "sha512-byZH2wJeow6DO/+mYGwjlG5Gm2ZARJ1Rpr7Ryh4EcAFU0rH+AWoKbAUrBZMh1EU7jsVI4bKM95SLSsrWQ44sEw==",
  },
  {
    set: "eva",
    version: "1.2.3",
    license: "MIT",
    title: "Eva Icons",
    author: "Akveo",
    integrity:
      "sha512-67nZvxOHdoV2SaTLBw+seq+pbfB8OFRB7CVNI5gGJCGPXJKniPo/x9H/dYGovxq7q+GU0NwKrPxBcHyEFDwSUw==",
  },
  {
    set: "fa",
    version: "1.2.2",
    license: "OFL-1.1",
    title: "Font Awesome 4",
    author: "Dave Gandy",
    integrity:
      "sha512-Rw0L97uO3W0Gy2rq4cM/TH3QjzuPuRca1F2steumZ57zOeheGQdiqo50O6KHjm+WgImmV92IFPUTU6eiaJsrTw==",
  },
  {
    set: "fa-solid",
    version: "1.2.2",
    license: "CC-BY-4.0",
    title: "Font Awesome 5 Solid",
    author: "Dave Gandy",
    integrity:
      "sha512-V8TDk62dGswAwbWwoSTnaoiTVEfQyjLCq4/TPmI29evFb9GwPyU0OGX4+BdQMGsDDzk8ByR81RjR618FtELSaw==",
  },
  {
    set: "fa6-solid",
    version: "1.2.4",
    license: "CC-BY-4.0",
    title: "Font Awesome 6 Solid",
    author: "Dave Gandy",
    integrity:
      "sha512-LmDNNdJVyvF5mPm1yxWvL8KjCc/E8LzoqnF1LNTVpyY2ZJRUlGOWuPIThdbuFBF2IovgttkIyumhyqfmlHdwKg==",
  },
  {
    set: "fa7-solid",
    version: "1.2.5",
    license: "CC-BY-4.0",
    title: "Font Awesome Solid",
    author: "Dave Gandy",
    integrity:
      "sha512-e9EOtXuvDhiv6gBjbuW1q4bSR2tU5HmsDxqbLElQt2w2dR1Byh2mXfPLdRgEVwEr50uQV5tKxE3YAL6LTa+1fA==",
  },
  {
    set: "fe",
    version: "1.2.4",
    license: "MIT",
    title: "Feather Icon",
    author: "Megumi Hano",
    integrity:
      "sha512-TBfDSJOUKxd6QO+2WWcOC/trnsovRluk1jx05aGqMyoG+G9pkL661VO0ladWiWp+4ewOHDJ3s47W5bwx3EounQ==",
  },
  {
    set: "feather",
    version: "1.2.1",
    license: "MIT",
    title: "Feather Icons",
    author: "Cole Bemis",
    integrity:
      "sha512-gURNg2TJYuO1U7DoOGCylm9TwkMfzjOH2BHdWsE0IXLXj/MNkFIJu56Wu1xRws27M8hzDzUDt/biGUa/LfAjdg==",
  },
  {
    set: "flowbite",
    version: "1.2.7",
    license: "MIT",
    title: "Flowbite Icons",
    author: "Themesberg",
    integrity:
      "sha512-YmjHMSe6zBWI6XMZ35OGxgkX9k0lMiKmJIYOOymhc8rEiVbtZnnujJnGrfTider1JOoArQcCJzhHH6hUoXgiYA==",
  },
  {
    set: "gg",
    version: "1.2.2",
    license: "MIT",
    title: "css.gg",
    author: "Astrit",
    integrity:
      "sha512-8iQh8+Tdb/0jakNYy0+t2GVubjhbaJbuYoPsRhFw8IAs00IQV2BjE9GoB2kGF/UObaJCqvCelB3qRaUdizkrmg==",
  },
  {
    set: "gravity-ui",
    version: "1.2.15",
    license: "MIT",
    title: "Gravity UI Icons",
    author: "YANDEX LLC",
    integrity:
      "sha512-Ie0pg8eATIY1C46ThgA5htRTb8oJg+GdXwLNTqRKnsw4HQYJWBuIqa4xzRwgJecesxqm7avolDNyP9TZGwoYww==",
  },
  {
    set: "griddy-icons",
    version: "1.2.0",
    license: "MIT",
    title: "Griddy Icons",
    author: "Zuzana Benova",
    integrity:
      "sha512-C3AdVCAC9WrUNFSmyljsiH59CuyOqUfALsanzD4dO0VOHt4Fz0sttDSeayiSap8u8uACeq8WMZ1KZAmMusuf9w==",
  },
  {
    set: "grommet-icons",
    version: "1.2.4",
    license: "Apache-2.0",
    title: "Grommet Icons",
    author: "Grommet",
    integrity:
      "sha512-Muj6ViEbR235PWxDe3oM3AFVG4BtaeIihfJPhQiHWPShy24MAscq02+T1IFwIMy0MoTw+V71p5EbNa69xF7SmA==",
  },
  {
    set: "heroicons",
    version: "1.2.3",
    license: "MIT",
    title: "HeroIcons",
    author: "Refactoring UI Inc",
    integrity:
      "sha512-n+vmCEgTesRsOpp5AB5ILB6srsgsYK+bieoQBNlafvoEhjVXLq8nIGN4B0v/s4DUfa0dOrjwE/cKJgIKdJXOEg==",
  },
  {
    set: "humbleicons",
    version: "1.2.20",
    license: "MIT",
    title: "Humbleicons",
    author: "Jiří Zralý",
    integrity:
      "sha512-7OPG7mKu1GtEiMr68d8dWqADCavmFawZ0Wv1Dbi2g8UE2m1e/AtA0ryx2IAEf5YUFGwJ9Bx8qs8719mXdAzCkw==",
  },
  {
    set: "icon-park-outline",
    version: "1.2.4",
    license: "Apache-2.0",
    title: "IconPark Outline",
    author: "ByteDance",
    integrity:
      "sha512-NyZxXe2gD2TbTOyoRRMdtEJhr6i2KQCdDlYYoOn5oZLndQjwpIhw79hzeFhXvP38/o40D3gQ+l+IaSJgbB+0TQ==",
  },
  {
    set: "iconoir",
    version: "1.2.11",
    license: "MIT",
    title: "Iconoir",
    author: "Luca Burgio",
    integrity:
      "sha512-clBrCsZPkmdksYOkufVp7aoAU1j1hFQPrLUooWWmoYIMvKskUHQ+IDnwV7agTR+tGYHbud7OP2SRfYEpnqFDNw==",
  },
  {
    set: "jam",
    version: "1.2.3",
    license: "MIT",
    title: "Jam Icons",
    author: "Michael Amprimo",
    integrity:
      "sha512-Kp+OxTzB8xvbaMyIoqEqB96Ik4zv7uo5y1yavjAee0N1K/6u+PCOBwEi+Djn3WJ2trCrNZk+qYw1BJUsZC41Eg==",
  },
  {
    set: "la",
    version: "1.2.1",
    license: "Apache-2.0",
    title: "Line Awesome",
    author: "Icons8",
    integrity:
      "sha512-7VUpZ+E7PfBpCXmAzLEGRR0LqCyFQRJiJTriO/vIZtQ1BLJ4xiDlIQ8gCCQvyTnKPG4IrvencwAxXpJGhk4pYg==",
  },
  {
    set: "lucide",
    version: "1.2.137",
    license: "ISC",
    title: "Lucide",
    author: "Lucide Contributors",
    integrity:
      "sha512-uKz1+tFbv1RFX/mJQNksdnyKJijNfRGSNnxfiyKtr+dLNfA3ERph+IgpXClKGOlV/5GsZwLv2jgJXQ/bjF/JAg==",
  },
  {
    set: "majesticons",
    version: "1.2.5",
    license: "MIT",
    title: "Majesticons",
    author: "Gerrit Halfmann",
    integrity:
      "sha512-tj0ZTiYOkz8HC365x7Pj8vXCsHCjVuFXcwoFG0iuMlvLrHslVlFhSTLjt/x/5r0ciCrtA5tLGpbV1uG0fdC56g==",
  },
  {
    set: "meteor-icons",
    version: "1.2.8",
    license: "MIT",
    title: "Meteor Icons",
    author: "zkreations",
    integrity:
      "sha512-40TdEe7at2drAh0N630Je4I6S+hibGa/u2nm+YEF28sImf4hbZHvhlM2Zcvd7kP1VD8iAQryqoAcq+fHzlc4MQ==",
  },
  {
    set: "octicon",
    version: "1.2.36",
    license: "MIT",
    title: "Octicons",
    author: "GitHub",
    integrity:
      "sha512-YHlJokjC+uBj1kSd7+YTRMNIN85TvAGr4ZJVOHCTzj0nyH64ImXRIZmh4P6Nbv0RGDd7hS7+UwEDGchFgGxxVw==",
  },
  {
    set: "picon",
    version: "1.2.0",
    license: "OFL-1.1",
    title: "Pico-icon",
    author: "Picon Contributors",
    integrity:
      "sha512-Uzfc3GyM1ijtlWeQSA6o8sHdw3KXTi4Fk/wCL9lPKFU/bYiRX1wwkHldJcypffu6YU9OtCPUnZV2bTiTZgklIg==",
  },
  {
    set: "pixel",
    version: "1.2.2",
    license: "CC-BY-4.0",
    title: "Pixel Icon",
    author: "HackerNoon",
    integrity:
      "sha512-33uIyTe0teB9ykpRNucSXveMFYb4Hd0lxSO0oShs44OEixTuQdQk7kZpZWMMHdjDTGORpLTuOrV26pFkoIYSng==",
  },
  {
    set: "pixelarticons",
    version: "1.2.9",
    license: "MIT",
    title: "Pixelarticons",
    author: "Gerrit Halfmann",
    integrity:
      "sha512-euvs0Lwcoo5CAz5VicRlxWxO/Aqk/nOxbUhPkXCqWl3ua79H6XVrtWWGVIwugecCBwMrxltf2ArD5O41MNRGSw==",
  },
  {
    set: "prime",
    version: "1.2.5",
    license: "MIT",
    title: "Prime Icons",
    author: "PrimeTek",
    integrity:
      "sha512-5eiiFlr5dx/IDSolBmBeys7407lSuO0gPL5iAeJBckpyaxCB6HYsDW3AFVP5pMI6hm/B5hYjlN1TrSualSBCFA==",
  },
  {
    set: "proicons",
    version: "1.2.20",
    license: "MIT",
    title: "ProIcons",
    author: "ProCode",
    integrity:
      "sha512-c8hyUi4mFRke8/MocQcY8GPqwpIWWv9dkGWB3I9O01EqRqCuNLEj+5PVzsrH4hOQ1gA6ysvPCr7nMZo3l5WhYQ==",
  },
  {
    set: "ri",
    version: "1.2.10",
    license: "Apache-2.0",
    title: "Remix Icon",
    author: "Remix Design",
    integrity:
      "sha512-WWMhoncVVM+Xmu9T5fgu2lhYRrKTEWhKk3Com0KiM111EeEsRLiASjpsFKnC/SrB6covhUp95r2mH8tGxhgd5Q==",
  },
  {
    set: "system-uicons",
    version: "1.2.4",
    license: "Unlicense",
    title: "System UIcons",
    author: "Corey Ginnivan",
    integrity:
      "sha512-9WB9dmEm+TRCXI5Ml2IY8zQAPZES8euKxY0VOaf8D6E6ZaEr7ztO6DChMlGg7qWECs3m3FjFUqNgBx8ZpB+djw==",
  },
  {
    set: "teenyicons",
    version: "1.2.2",
    license: "MIT",
    title: "Teenyicons",
    author: "smhmd",
    integrity:
      "sha512-Do08DrvNpT+pKVeyFqn7nZiIviAAY8KbduSfpNKzE1bgVekAIJ/AAJtOBSUFpV4vTk+hXw195+jmCv8/0cJSKA==",
  },
  {
    set: "uil",
    version: "1.2.3",
    license: "Apache-2.0",
    title: "Unicons",
    author: "Iconscout",
    integrity:
      "sha512-if91+UBhDQc6glPsIaXecGIcXnbQZfEO4Gdv89TV2xQ+V5e9GWbY5rNl2fsKZd8COsRQ5lRQAKimVQVL0CZZVg==",
  },
  {
    set: "vaadin",
    version: "1.2.1",
    license: "Apache-2.0",
    title: "Vaadin Icons",
    author: "Vaadin",
    integrity:
      "sha512-dT2PWQp5tPxqJsWCc7qXDRVMcGeOf3e+Hys1dcMQrfVVnaRgXxYXgA0Wj98N5QjZMIf9+/iqAKvY1Yuk484hEg==",
  },
  {
    set: "zmdi",
    version: "1.2.0",
    license: "OFL-1.1",
    title: "Material Design Iconic Font",
    author: "MDI Community",
    integrity:
      "sha512-cMBE/mibATuiSLir/oe9e6LHyxW9L7lxECZeNAi8/qypZ+eqICPT0vl0DVDAeKByP4B6hBMbbI/gYyIq4+K5mg==",
  },
];
