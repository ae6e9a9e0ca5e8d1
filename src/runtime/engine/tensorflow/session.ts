/**
 * A graph in TensorFlow's session: written as a SavedModel to a folder of its own, loaded, and the folder removed. Made
 * by `recorder.ts`; the only file of the engine that writes to a disk.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Binding, TensorHandle } from "./binding.ts";
import { savedModel, TAG } from "./graph_def.ts";
import type { GraphNode } from "./graph_def.ts";

export class Session {
  readonly #binding: Binding;
  readonly #number: number;

  /** @throws what TensorFlow says of a graph it does not take. */
  constructor(binding: Binding, nodes: readonly GraphNode[]) {
    this.#binding = binding;
    const folder = mkdtempSync(join(tmpdir(), "dmlc-graph-"));
    try {
      writeFileSync(join(folder, "saved_model.pb"), savedModel(nodes));
      this.#number = binding.loadSavedModel(folder, TAG);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Runs the part of the graph that `fetches` need; feeds and fetches are comma-separated `node:output`. */
  run(ids: readonly number[], feeds: string, fetches: string): TensorHandle[] {
    return this.#binding.runSavedModel(this.#number, ids, feeds, fetches);
  }

  close(): void {
    this.#binding.deleteSavedModel(this.#number);
  }
}
