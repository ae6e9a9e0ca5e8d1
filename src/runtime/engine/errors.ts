/**
 * The error of an engine that cannot be had. Thrown by `startEngine` and by what it starts; caught by the command line,
 * which prints its message as it stands.
 */
export class EngineError extends Error {
  override readonly name = "EngineError";
}
