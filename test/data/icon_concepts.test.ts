import { describe, expect, it } from "vitest";
import { conceptWords, gatherConcepts } from "../../src/runtime/data/icon_concepts.ts";
import { NAME_SYNONYMS, WORD_SYNONYMS } from "../../src/runtime/data/icon_synonyms.ts";

function concept(set: string, icon: string): string {
  return conceptWords(set, icon).join("-");
}

describe("the concept of an icon's name", () => {
  it.each([
    ["lucide", "rocket", "rocket"],
    ["bi", "rocket-fill", "rocket"],
    ["ion", "rocket-outline", "rocket"],
    ["octicon", "rocket-24", "rocket"],
    ["ri", "rocket-2-line", "rocket"],
    ["ri", "line-chart-line", "line-chart"],
    ["fa", "star-half-o", "star-half"],
    ["jam", "rocket-f", "rocket"],
    ["icon-park-outline", "tree-two", "tree"],
    ["griddy-icons", "tree-02-filled", "tree"],
    ["uil", "cloud-alt", "cloud"],
  ])("in %s, %s is %s", (set, icon, expected) => {
    expect(concept(set, icon)).toBe(expected);
  });

  it.each([
    ["lucide", "chart-line"],
    ["gg", "arrow-o"],
    ["lucide", "dice-2"],
    ["bi", "battery-full"],
    ["fa6-solid", "traffic-light"],
    ["bi", "fill"],
    ["lucide", "2"],
  ])("in %s, %s keeps its words", (set, icon) => {
    expect(concept(set, icon)).toBe(icon);
  });

  it("reads synonyms in any order of words", () => {
    expect(concept("fa", "envelope-open-o")).toBe("mail-open");
    expect(concept("fa6-solid", "circle-xmark")).toBe("circle-x");
    expect(concept("lucide", "circle-alert")).toBe("exclamation-circle");
    expect(concept("fa", "ellipsis-v")).toBe("more-vertical");
  });

  it("has no chains of synonyms: what a name is read as stands for itself", () => {
    for (const word of Object.values(WORD_SYNONYMS)) expect(WORD_SYNONYMS[word]).toBeUndefined();
    for (const [name, meaning] of Object.entries(NAME_SYNONYMS)) {
      expect(concept("any", meaning), name).toBe(meaning);
    }
  });
});

describe("gathering concepts", () => {
  const set = (prefix: string, ...names: string[]) => ({
    prefix,
    icons: Object.fromEntries(names.map((name) => [name, { body: `<path id="${prefix}/${name}"/>` }])),
  });

  it("keeps those that occur in enough sets, named by their most frequent order of words", () => {
    const concepts = gatherConcepts(
      [
        set("b", "user-lock", "rare", "rare-fill", "sun"),
        set("a", "lock-user", "sun-2", "sun"),
        set("c", "user-lock-fill", "sun"),
      ],
      2,
    );
    expect(concepts.map(({ name, icons }) => [name, icons.map((icon) => icon.name)])).toEqual([
      ["sun", ["a/sun", "a/sun-2", "b/sun", "c/sun"]],
      ["user-lock", ["a/lock-user", "b/user-lock", "c/user-lock-fill"]],
    ]);
  });

  it("keeps the order of words where it matters", () => {
    const sets = [
      set("a", "corner-down-left", "corner-left-down"),
      set("b", "corner-down-left", "corner-left-down"),
    ];
    expect(gatherConcepts(sets, 2).map(({ name }) => name)).toEqual(["corner-down-left", "corner-left-down"]);
  });

  it("passes over hidden icons, and takes the view box from icon, set or default", () => {
    const concepts = gatherConcepts(
      [
        {
          prefix: "a",
          width: 24,
          height: 20,
          icons: {
            sun: { body: "1" },
            "sun-2": { body: "2", left: -1, top: 2, width: 8 },
            "sun-3": { body: "3", hidden: true },
          },
        },
        { prefix: "b", icons: { sun: { body: "4" } } },
      ],
      2,
    );
    expect(concepts[0]!.icons).toEqual([
      { name: "a/sun", body: "1", viewBox: [0, 0, 24, 20] },
      { name: "a/sun-2", body: "2", viewBox: [-1, 2, 8, 20] },
      { name: "b/sun", body: "4", viewBox: [0, 0, 16, 16] },
    ]);
  });
});
