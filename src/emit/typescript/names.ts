/**
 * Names in emitted programs: camelCase, never a word that JavaScript, the program's imports or an earlier name has
 * taken, and never anything but letters, digits and `_`, whatever the spec calls its things.
 */

/** Words an emitted program must not declare: the language's own, and what its header imports. */
const TAKEN = new Set(
  (
    "abstract arguments async await boolean break byte case catch char class const continue debugger default delete do " +
    "double else enum eval export extends false final finally float for from function get globalThis goto if implements " +
    "import in Infinity instanceof int interface let long NaN native new null of package private protected prototype " +
    "public return set short static super switch synchronized this throw throws transient true try type typeof " +
    "undefined var void volatile while with yield constructor __proto__ hasOwnProperty toString valueOf Object Array " +
    "Record String Number Math JSON Promise Symbol process console require module exports " +
    "tf ops nn init data strategies main net sizes embeddings labels losses images combine embed parameters state context headWeights noise otherViews ids"
  ).split(" "),
);

/** `semi_hard_margin` -> `semiHardMargin`; other characters are dropped. */
export function camelCase(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const joined = words
    .map((word, k) =>
      k === 0 ? word[0]!.toLowerCase() + word.slice(1) : word[0]!.toUpperCase() + word.slice(1),
    )
    .join("");
  return /^[A-Za-z]/.test(joined) ? joined : `_${joined}`;
}

/** Hands out names of one scope, each once. */
export class Names {
  private readonly used = new Set<string>();
  /** The number that the next one of a name gets: a program may have thousands. */
  private readonly next = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    for (const name of taken) this.used.add(name);
  }

  fresh(wanted: string): string {
    const base = camelCase(wanted);
    let name = base;
    let next = this.next.get(base) ?? 2;
    for (; this.used.has(name) || TAKEN.has(name); next++) name = `${base}${next}`;
    this.used.add(name);
    this.next.set(base, next);
    return name;
  }

  /** The next free one of `conv1, conv2, …`. */
  numbered(kind: string): string {
    const base = camelCase(kind);
    let k = 1;
    while (this.used.has(`${base}${k}`)) k++;
    const name = `${base}${k}`;
    this.used.add(name);
    return name;
  }
}

/**
 * An access to a property of a record: `.pull`, or `["constructor"]` where the name is no plain word or is one that every
 * object has, which would be taken for that.
 */
export function property(name: string): string {
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !(name in Object.prototype);
  return plain ? `.${name}` : `[${JSON.stringify(name)}]`;
}
