import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { CONFIG_OPTIONS, type ConfigOption, type HubConfig } from "./config-options.ts";

/** The options cannot be understood; the message is one sentence fit for a terminal. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export interface ConfigSources {
  /** Arguments of the command, without the program and the script. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

const CONFIG_FILE = {
  flag: "--config <file>",
  env: "CONAT_CONFIG",
  description: 'JSON file with options by name, such as { "port": 4400, "markerTtl": "24h" }',
};

/**
 * The options from flags, environment and configuration file, the first that says something winning.
 * `undefined` when help was asked for and `write` has got it.
 * @throws ConfigError
 */
export function loadConfig(
  { args, env }: ConfigSources,
  write: (text: string) => void,
): HubConfig | undefined {
  const flags = parseFlags(args, write);
  if (flags === undefined) return undefined;
  const path = flags.get("config") ?? env[CONFIG_FILE.env];
  const file = path === undefined ? new Map<string, string>() : readConfigFile(path);
  const values: [string, unknown][] = Object.entries(CONFIG_OPTIONS).map(([name, option]) => [
    name,
    readOption(name, option, flags, env, file),
  ]);
  return Object.fromEntries(values) as HubConfig;
}

function readOption(
  name: string,
  option: ConfigOption<unknown>,
  flags: ReadonlyMap<string, string>,
  env: ConfigSources["env"],
  file: ReadonlyMap<string, string>,
): unknown {
  const long = longFlag(option.flag);
  const sources: readonly (readonly [string, string | undefined])[] = [
    [long, flags.get(attributeName(option.flag))],
    // An empty variable is how shells and compose files say "not set".
    [option.env, env[option.env] || undefined],
    [`"${name}" in the configuration file`, file.get(name)],
    [long, option.defaultText],
  ];
  for (const [where, text] of sources) {
    if (text === undefined) continue;
    try {
      return option.parse(text);
    } catch (error) {
      const wanted = error instanceof Error ? error.message : String(error);
      throw new ConfigError(`${where} must be ${wanted}, not ${JSON.stringify(text)}`);
    }
  }
  return undefined;
}

/** What the flags say, by attribute name, as text. */
function parseFlags(
  args: readonly string[],
  write: (text: string) => void,
): ReadonlyMap<string, string> | undefined {
  const command = createCommand(write);
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new ConfigError(
      `${error.message.replace(/^error: /, "").replaceAll("\n", " ")}; --help lists the options`,
    );
  }
  return new Map(
    Object.entries(command.opts()).map(([name, value]): [string, string] => [name, String(value)]),
  );
}

function createCommand(write: (text: string) => void): Command {
  const command = new Command("conat-hub")
    .description("Lets browsers and backends share conat stores and messages kept in NATS.")
    .allowExcessArguments(false)
    .helpOption("-h, --help", "show this and stop")
    .version(readVersion(), "-V, --version", "show the version and stop")
    .configureOutput({ writeOut: write, writeErr: () => undefined })
    .configureHelp({ helpWidth: 100 })
    .exitOverride();
  command.addOption(
    new Option(CONFIG_FILE.flag, `${CONFIG_FILE.description} [${CONFIG_FILE.env}]`),
  );
  for (const option of Object.values<ConfigOption<unknown>>(CONFIG_OPTIONS)) {
    const fallback = option.defaultText ? ` (default ${option.defaultText})` : "";
    command.addOption(new Option(option.flag, `${option.description}${fallback} [${option.env}]`));
  }
  command.addHelpText(
    "after",
    "\nEvery option can be given as a flag, as the variable in brackets, or in the file; flags win, then variables." +
      "\nCONAT_NATS_SERVER names the nats-server binary for the hub's own server.",
  );
  return command;
}

function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return String(JSON.parse(text).version);
}

function readConfigFile(path: string): ReadonlyMap<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`the configuration file ${path} cannot be read: ${why}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new ConfigError(`the configuration file ${path} must hold one JSON object`);
  }
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed)) {
    if (!Object.hasOwn(CONFIG_OPTIONS, name)) {
      throw new ConfigError(`the configuration file ${path} has an unknown option "${name}"`);
    }
    texts.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  return texts;
}

function longFlag(flag: string): string {
  return flag.split(" ", 1)[0] ?? flag;
}

function attributeName(flag: string): string {
  return new Option(flag).attributeName();
}
