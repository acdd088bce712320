import { CONFIG_OPTIONS, type ConfigOption } from "./config-options.ts";

/** Every option of the command as a table in Markdown, for the reference page. */
export function renderReference(): string {
  const rows = Object.entries<ConfigOption<unknown>>(CONFIG_OPTIONS).map(
    ([name, { flag, env, description, defaultText }]) => {
      const fallback = defaultText ? `\`${defaultText}\`` : "";
      return `| \`${flag}\` | \`${env}\` | \`${name}\` | ${fallback} | ${description} |`;
    },
  );
  return [
    "| flag | variable | in the file | default | what it is |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}
