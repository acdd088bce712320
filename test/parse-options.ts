import { type ParseArgsConfig, parseArgs } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** What the command line says. A wrong option is told in one sentence, with the help, and ends the process. */
export function parseOptions<const Given extends Options>(options: Given, help: string) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), help);
  }
}

/** An option that is a number, which it must not be below. */
export function toNumber(name: string, text: string, least: number, help: string): number {
  const number = Number(text);
  if (text !== "" && number >= least && Number.isFinite(number)) return number;
  return refuse(`--${name} must be a number from ${least} up, not ${JSON.stringify(text)}`, help);
}

function refuse(why: string, help: string): never {
  console.error(`${why}\n\n${help}`);
  process.exit(2);
}
