/** The machine that a result was measured on: what every result says of it, and how a report names it. */
import { cpus } from "node:os";

/** @returns {{ cpu: string, cores: number, platform: string, node: string }} this machine, for a file of results */
export const machine = () => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  platform: `${process.arch} ${process.platform}`,
  node: process.versions.node,
});

/**
 * The machine as a report names it, with its version of Node.
 * @param {{ machine: { cpu: string, cores: number, platform?: string, node: string } | string, node?: string }} result
 * its content; older ones name the machine as one text, and Node beside it
 */
export function machineText({ machine: on, node }) {
  if (typeof on === "string") return `${on}, Node ${node.replace(/^v/, "")}`;
  const { cpu, cores, platform } = on;
  return [cpu, `${cores} cores`, ...(platform === undefined ? [] : [platform]), `Node ${on.node}`].join(", ");
}
