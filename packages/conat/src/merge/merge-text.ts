import type { MergeArguments } from "../dkv/dkv-options.ts";
import { mergeSequences } from "./merge-sequences.ts";

/**
 * Merges two edits of a text line by line. Where both sides changed the same lines, both versions are kept, the stored
 * one first. An edit wins over a delete.
 */
export function mergeText({ prev, local, remote }: MergeArguments<string>): string | undefined {
  if (local === undefined || remote === undefined) {
    const left = local ?? remote;
    return left === prev ? undefined : left;
  }
  return mergeSequences(toLines(prev ?? ""), toLines(local), toLines(remote)).join("");
}

/** Lines with their ends, so that a missing last line end is a difference like any other. */
function toLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
