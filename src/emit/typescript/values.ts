/** Reading bound arguments where emission writes them. A missing or unlike value is a bug of the checker. */
import type { Values } from "../../resolve/values.ts";

export function numberIn(values: Values, name: string): number {
  const value = values.get(name);
  if (value?.kind !== "number") throw new Error(`the argument ${name} is not a number`);
  return value.value;
}

export function boolIn(values: Values, name: string): boolean {
  const value = values.get(name);
  if (value?.kind !== "bool") throw new Error(`the argument ${name} is not a bool`);
  return value.value;
}

export function textIn(values: Values, name: string): string {
  const value = values.get(name);
  if (value?.kind !== "text" && value?.kind !== "word") throw new Error(`the argument ${name} is not a text`);
  return value.value;
}
