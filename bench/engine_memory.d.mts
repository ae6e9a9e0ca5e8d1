export function engineMemory(): {
  readonly tensors: number;
  readonly tensor_bytes: number;
  readonly binding_handles?: number;
  readonly wasm_bytes?: number;
};
