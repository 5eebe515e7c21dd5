/** The tables of the README as they must be. */
import { flagOf, flagWithValueOf, optionNames, optionTable, variableOf } from "../../src/options.ts";
import { profiles, type SwitchName, switchTable } from "../../src/profiles.ts";
import { code, table } from "./tables.ts";

const isSwitch = (name: string): name is SwitchName => name in switchTable;

export const optionsTable = table(
  ["flag", "variable", "default", "what it does"],
  optionNames
    .filter((name) => !isSwitch(name))
    .map((name) => {
      const { default: fallback, does } = optionTable[name];
      return [
        code(flagWithValueOf(name)),
        code(variableOf(name)),
        fallback === undefined ? "" : code(fallback),
        does,
      ];
    }),
);

export const switchesTable = table(
  ["switch", "what it decides", ...profiles.map(code)],
  optionNames.filter(isSwitch).map((name) => {
    const { decides, values } = switchTable[name];
    return [
      code(`--${flagOf(name)} <${values.join("|")}>`),
      decides,
      ...profiles.map((profile) => code(switchTable[name][profile])),
    ];
  }),
);
