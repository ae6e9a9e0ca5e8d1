/**
 * The words and signs of DML: one Chevrotain token type each, with the TextMate scope an editor shows it in. The parser
 * consumes these types, `textmate.ts` generates the editor grammar from them. Pure; nothing but Chevrotain is used.
 *
 * Reserved words are only what formulas are built of. Every other word of the language is contextual: its token type
 * has the category `Identifier`, so that it can be a name wherever a name is expected.
 */
import { createToken, Lexer, type ITokenConfig, type TokenType } from "chevrotain";

const scopes = new Map<TokenType, string>();

interface Definition extends Omit<ITokenConfig, "name"> {
  /** TextMate scope without the trailing `.dml`; none for what an editor shows plain. */
  readonly scope?: string;
}

function token(name: string, { scope, ...config }: Definition): TokenType {
  const type = createToken({ name, ...config });
  if (scope !== undefined) scopes.set(type, scope);
  return type;
}

/** The TextMate scope of a token type, with the language's suffix; undefined for a token that is shown plain. */
export function scopeOf(type: TokenType): string | undefined {
  const scope = scopes.get(type);
  return scope === undefined ? undefined : `${scope}.dml`;
}

// ── Blank space and comments (groups: the parser does not see them) ─────────────────────────────────────────────

export const Blank = token("Blank", {
  pattern: /[ \t\r\n\f\u00a0\ufeff]+/,
  group: Lexer.SKIPPED,
  line_breaks: true,
});
export const DocComment = token("DocComment", {
  pattern: /\/\/\/[^\r\n]*/,
  group: "comments",
  scope: "comment.line.documentation",
});
export const Comment = token("Comment", {
  pattern: /\/\/[^\r\n]*/,
  group: "comments",
  scope: "comment.line.double-slash",
});

// ── Categories ──────────────────────────────────────────────────────────────────────────────────────────────────

/** What may stand between two operands. */
export const BinaryOperator = token("BinaryOperator", { pattern: Lexer.NA });
/** The operators of a bound in a type: `int >= 2 * n`. */
export const ArithmeticOperator = token("ArithmeticOperator", { pattern: Lexer.NA });
/** `< <= > >=`, which may also bound a type. */
export const OrderOperator = token("OrderOperator", { pattern: Lexer.NA });
/** `sum[t] …`: one body without parentheses. */
export const PrefixReduction = token("PrefixReduction", { pattern: Lexer.NA });
/** `softmax[k](…)`: bodies between parentheses. */
export const CallReduction = token("CallReduction", { pattern: Lexer.NA });

// ── Names, numbers, strings ─────────────────────────────────────────────────────────────────────────────────────

export const Identifier = token("Identifier", { pattern: /[A-Za-z_]\w*/, scope: "variable.other" });

/** `_`, the inferred size. */
export const Hole = token("Hole", { pattern: /_/, longer_alt: Identifier, scope: "variable.language" });

/** `224x224` */
export const Size = token("Size", { pattern: /\d+x\d+(?!\w)/, scope: "constant.numeric" });
/** `28.6deg`, `0.5rad`, `100x`; a digit must follow a decimal dot, so that `0..n` is a range. */
export const ScaledNumber = token("ScaledNumber", {
  pattern: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:deg|rad|x)(?!\w)/,
  scope: "constant.numeric",
});
/** A number with a word glued to it, which is no number of the language; reported, then split into a product. */
export const GluedNumber = token("GluedNumber", {
  pattern: /\d+(?:\.\d+)?(?:[eE][+-]?\d+(?=[A-Za-z_]))?[A-Za-z_]\w*/,
  scope: "invalid.illegal",
});
export const PlainNumber = token("PlainNumber", {
  pattern: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/,
  longer_alt: GluedNumber,
  scope: "constant.numeric",
});
/** The word after a number in settings: `32 classes`. The lexer gives an identifier; the line pass decides. */
export const WordUnit = token("WordUnit", { pattern: Lexer.NA, scope: "keyword.other.unit" });

export const Text = token("Text", { pattern: /"(?:[^"\\\r\n]|\\[^\r\n])*"/, scope: "string.quoted.double" });
/** A string whose line ends first; reported, and used as if it were closed there. */
export const OpenText = token("OpenText", {
  pattern: /"(?:[^"\\\r\n]|\\[^\r\n])*\\?/,
  categories: [Text],
  scope: "invalid.illegal",
});

// ── Reserved words ──────────────────────────────────────────────────────────────────────────────────────────────

function reserved(word: string, scope: string, categories: TokenType[] = []): TokenType {
  const name = word
    .split("_")
    .map((part) => part[0]!.toUpperCase() + part.slice(1))
    .join("");
  return token(name, { pattern: new RegExp(word), longer_alt: Identifier, categories, scope });
}

export const Let = reserved("let", "storage.type");
export const If = reserved("if", "keyword.control");
export const Then = reserved("then", "keyword.control");
export const Else = reserved("else", "keyword.control");
export const And = reserved("and", "keyword.operator.logical", [BinaryOperator]);
export const Or = reserved("or", "keyword.operator.logical", [BinaryOperator]);
export const Not = reserved("not", "keyword.operator.logical");
export const In = reserved("in", "keyword.operator.domain");
export const True = reserved("true", "constant.language");
export const False = reserved("false", "constant.language");

const reduction = "support.function.reduction";
/** Also functions of two values: `max(a, b)`. */
export const Max = reserved("max", reduction, [PrefixReduction]);
export const Min = reserved("min", reduction, [PrefixReduction]);
/** After a number in settings also a unit: `1 sample`. */
export const Sample = reserved("sample", reduction, [PrefixReduction]);
export const prefixReductions: readonly TokenType[] = [
  reserved("sum", reduction, [PrefixReduction]),
  reserved("mean", reduction, [PrefixReduction]),
  reserved("mean_active", reduction, [PrefixReduction]),
  Max,
  Min,
  reserved("logsumexp", reduction, [PrefixReduction]),
  reserved("argmax", reduction, [PrefixReduction]),
  reserved("argmin", reduction, [PrefixReduction]),
  Sample,
  reserved("any", reduction, [PrefixReduction]),
  reserved("all", reduction, [PrefixReduction]),
  reserved("count", reduction, [PrefixReduction]),
];
export const callReductions: readonly TokenType[] = [
  reserved("softmax", reduction, [CallReduction]),
  reserved("log_softmax", reduction, [CallReduction]),
  reserved("variance", reduction, [CallReduction]),
  reserved("sample_variance", reduction, [CallReduction]),
  reserved("cross_entropy", reduction, [CallReduction]),
  reserved("solve", reduction, [CallReduction]),
  reserved("kmeans", reduction, [CallReduction]),
];

// ── Contextual words ────────────────────────────────────────────────────────────────────────────────────────────

const followers = new Map<TokenType, string>();

/** What follows a contextual word where it is a keyword, as a regular expression: how an editor tells it from a name. */
export function followerOf(type: TokenType): string | undefined {
  return followers.get(type);
}

function contextual(word: string, scope: string, follower: string): TokenType {
  const type = token(word[0]!.toUpperCase() + word.slice(1), {
    pattern: new RegExp(word),
    longer_alt: Identifier,
    categories: [Identifier],
    scope,
  });
  followers.set(type, follower);
  return type;
}

const aName = "[ \\t]+[A-Za-z_]\\w*";

export const Import = contextual("import", "keyword.control.import", "[ \\t]*\\{");
export const From = contextual("from", "keyword.control.import", '[ \\t]*"');

const declaration = "storage.type.declaration";
export const Dataset = contextual("dataset", declaration, `${aName}[ \\t]*=(?!=)`);
export const Model = contextual("model", declaration, `${aName}[ \\t]*(?:\\{|$)`);
export const Loss = contextual("loss", declaration, `${aName}[ \\t]*(?:\\(|$)`);
export const Distance = contextual("distance", declaration, `${aName}[ \\t]*\\(`);
export const Similarity = contextual("similarity", declaration, `${aName}[ \\t]*\\(`);
export const Miner = contextual("miner", declaration, `${aName}[ \\t]*(?:\\(|$)`);
export const Backbone = contextual("backbone", declaration, `${aName}[ \\t]*(?:\\(|$)`);
export const Primitive = contextual("primitive", declaration, `${aName}${aName}`);

export const Param = contextual("param", "storage.type", `${aName}[ \\t]*:`);
export const State = contextual("state", "storage.type", `${aName}[ \\t]*[:\\[]`);

const clause = "keyword.other.clause";
export const Of = contextual("of", clause, "[ \\t]*\\(");
export const Assumes = contextual("assumes", clause, aName);
export const For = contextual("for", clause, "[ \\t]*\\(");
export const Needs = contextual("needs", clause, aName);
export const By = contextual("by", clause, aName);
export const On = contextual("on", clause, aName);
export const Against = contextual("against", clause, aName);
export const With = contextual("with", clause, aName);
export const Shared = contextual("shared", "storage.modifier", aName);
export const Repeat = contextual("repeat", "keyword.control.pipeline", "[ \\t]+\\w+[ \\t]*\\{");
export const Residual = contextual("residual", "keyword.control.pipeline", "[ \\t]*\\{");

// ── Signs ───────────────────────────────────────────────────────────────────────────────────────────────────────

function sign(name: string, text: string, scope: string, categories: TokenType[] = []): TokenType {
  return token(name, { pattern: text, scope, categories });
}

export const LeftParen = sign("LeftParen", "(", "punctuation.section.parens.begin");
export const RightParen = sign("RightParen", ")", "punctuation.section.parens.end");
export const LeftBracket = sign("LeftBracket", "[", "punctuation.section.brackets.begin");
export const RightBracket = sign("RightBracket", "]", "punctuation.section.brackets.end");
export const LeftBrace = sign("LeftBrace", "{", "punctuation.section.braces.begin");
export const RightBrace = sign("RightBrace", "}", "punctuation.section.braces.end");
export const Comma = sign("Comma", ",", "punctuation.separator.comma");
export const Colon = sign("Colon", ":", "punctuation.separator.colon");
export const Ellipsis = sign("Ellipsis", "...", "keyword.operator.rest");
export const DotDot = sign("DotDot", "..", "keyword.operator.range");
export const Arrow = sign("Arrow", "->", "keyword.operator.arrow");
export const PipeTo = sign("PipeTo", "|>", "keyword.operator.pipe", [BinaryOperator]);
export const Bar = sign("Bar", "|", "keyword.operator.guard");

const comparison = "keyword.operator.comparison";
export const EqualEqual = sign("EqualEqual", "==", comparison, [BinaryOperator]);
export const NotEqual = sign("NotEqual", "!=", comparison, [BinaryOperator]);
export const LessEqual = sign("LessEqual", "<=", comparison, [BinaryOperator, OrderOperator]);
export const GreaterEqual = sign("GreaterEqual", ">=", comparison, [BinaryOperator, OrderOperator]);
export const Less = sign("Less", "<", comparison, [BinaryOperator, OrderOperator]);
export const Greater = sign("Greater", ">", comparison, [BinaryOperator, OrderOperator]);
export const Equals = sign("Equals", "=", "keyword.operator.assignment");

const arithmetic = "keyword.operator.arithmetic";
const arithmeticCategories = [BinaryOperator, ArithmeticOperator];
export const Plus = sign("Plus", "+", arithmetic, arithmeticCategories);
export const Minus = sign("Minus", "-", arithmetic, arithmeticCategories);
export const Star = sign("Star", "*", arithmetic, arithmeticCategories);
export const Slash = sign("Slash", "/", arithmetic, arithmeticCategories);
export const Caret = sign("Caret", "^", arithmetic, arithmeticCategories);

/** Zero characters wide: where the line of a `let`, `param`, `state` or assignment ends. Put in by the line pass. */
export const LineEnd = token("LineEnd", { pattern: Lexer.NA });

// ── Lists ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Words that open a declaration. */
export const declarationWords: readonly TokenType[] = [
  Dataset,
  Model,
  Loss,
  Distance,
  Similarity,
  Miner,
  Backbone,
  Primitive,
];

export const contextualWords: readonly TokenType[] = [
  Import,
  From,
  ...declarationWords,
  Param,
  State,
  Of,
  Assumes,
  For,
  Needs,
  By,
  On,
  Against,
  With,
  Shared,
  Repeat,
  Residual,
];

export const reservedWords: readonly TokenType[] = [
  Let,
  If,
  Then,
  Else,
  And,
  Or,
  Not,
  In,
  True,
  False,
  ...prefixReductions,
  ...callReductions,
];

/** The word units and what each means: singular and plural are one unit. */
export const wordUnits = {
  class: "class",
  classes: "class",
  sample: "sample",
  samples: "sample",
  step: "step",
  steps: "step",
  epoch: "epoch",
  epochs: "epoch",
} as const;

/** The longest pattern of a common start first, as the lexer takes the first that matches. */
function longestFirst(types: readonly TokenType[]): TokenType[] {
  const length = (type: TokenType): number =>
    type.PATTERN instanceof RegExp ? type.PATTERN.source.length : String(type.PATTERN).length;
  return [...types].sort((a, b) => length(b) - length(a));
}

export const signs: readonly TokenType[] = longestFirst([
  LeftParen,
  RightParen,
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  Comma,
  Colon,
  Ellipsis,
  DotDot,
  Arrow,
  PipeTo,
  Bar,
  EqualEqual,
  NotEqual,
  LessEqual,
  GreaterEqual,
  Less,
  Greater,
  Equals,
  Plus,
  Minus,
  Star,
  Slash,
  Caret,
]);

/** Every token type, in the order in which the lexer tries them. */
export const vocabulary: TokenType[] = [
  Blank,
  DocComment,
  Comment,
  ...longestFirst([...reservedWords, ...contextualWords]),
  Hole,
  Identifier,
  Size,
  ScaledNumber,
  PlainNumber,
  GluedNumber,
  Text,
  OpenText,
  ...signs,
  WordUnit,
  LineEnd,
  BinaryOperator,
  ArithmeticOperator,
  OrderOperator,
  PrefixReduction,
  CallReduction,
];

/** The one lexer. Its errors are the characters that belong to no token. */
export const lexer = new Lexer(vocabulary, {
  positionTracking: "full",
  ensureOptimizations: true,
  skipValidations: true,
});
