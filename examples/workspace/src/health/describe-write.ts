import type { RejectedWrite } from "@conat/frontend-hooks";
import { PROJECTS } from "../model/identity.ts";
import { COLUMN_TITLES, COLUMNS } from "../model/stores.ts";

/** A write in the words of the page. */
export function describeWrite({ key, value, options }: RejectedWrite): string {
  const project = PROJECTS.find(({ id }) => id === options.project_id)?.title ?? "your account";
  switch (options.name) {
    case "cards":
      return `${describeCard(value)} in ${project}`;
    case "settings":
      return `Your ${key === "hue" ? "colour" : key}`;
    case "readings":
      return `Row ${key} in ${project}`;
    default:
      return `${key} in ${project}`;
  }
}

function describeCard(value: unknown): string {
  if (typeof value !== "object" || value === null) return "The removal of a card";
  const title: unknown = Reflect.get(value, "title");
  const column = COLUMNS.find((id) => id === Reflect.get(value, "column"));
  const where = column === undefined ? "" : `, ${COLUMN_TITLES[column]},`;
  return `“${String(title)}”${where}`;
}
